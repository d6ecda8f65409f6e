"""Page of comparative tests: list, plan, samples, results, replies, release."""
