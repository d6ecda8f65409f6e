"""Planning of a wave: sample sizes and quotas, sampling points, assignments."""
