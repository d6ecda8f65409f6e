"""Tests of results, publishing, snapshots and pages that run on PostgreSQL as well as on SQLite.

What these folders test is computed from files or drawn on a page, whatever the database; a second
run of all of it took ten minutes of processor and never found a fault of its own. Locks, JSON,
constraints and triggers are tested where they live (access, fieldwork, store: every test on both),
and by those named here. Whole files are named where nearly all of their tests need a lock.
"""

WITHOUT_TWINS = ("open_answers", "pages", "publish", "results", "snapshot")
"""Folders of tests in which only what is named below runs on both databases."""

FILES_ON_BOTH = frozenset({"test_backup", "test_backup_photos", "test_signing_beside_others"})

TESTS_ON_BOTH = frozenset({
    # open answers
    "test_from_the_draw_to_shares_with_two_coders_and_a_third",
    "test_the_database_lets_nobody_be_both_coders",
    # pages
    "test_a_change_after_the_check_asks_for_another",
    "test_checked_then_written_then_recognised",
    "test_each_file_is_one_entry_in_the_trail",
    "test_one_asks_another_approves_and_the_file_is_taken_once",
    "test_two_people_sign_and_it_is_published_when_its_id_is_typed",
    # publish
    "test_a_figure_that_no_correction_changed_is_current_as_it_was_first_printed",
    "test_a_file_is_asked_for_once_at_a_time",
    "test_a_file_whose_export_was_rolled_back_is_not_used",
    "test_a_frozen_wave_has_its_rows_ready_before_anybody_asks",
    "test_a_refused_file_leaves_an_entry_and_nothing_else",
    "test_a_stale_change_is_refused_and_changes_nothing",
    "test_an_approved_request_gives_one_file_that_says_what_it_is",
    "test_each_reader_reads_what_happened_since_and_in_the_own_area",
    "test_every_step_is_in_the_trail",
    "test_files_of_everybody_from_before_are_listed",
    "test_from_the_calendar_to_a_zip_that_a_stranger_verifies",
    "test_from_the_proposal_to_its_acceptance_everything_is_in_the_history",
    "test_of_two_takes_at_the_same_time_one_gives_a_file",
    "test_one_release_of_a_wave_is_announced_at_a_time",
    "test_proposals_of_the_results_come_onto_the_list_once",
    "test_results_frozen_again_come_with_their_correction",
    "test_the_database_refuses_what_the_service_refuses",
    "test_the_first_signer_who_reset_the_second_one_is_refused_a_second_signature",
    "test_the_old_way_cannot_lift_the_embargo_of_an_announced_wave",
    "test_the_published_list_names_the_last_release_that_replaced_one",
    "test_the_same_person_never_signs_twice",
    "test_two_exports_at_once_give_the_same_file_and_leave_one",
    # results
    "test_a_choice_is_kept_in_order_for_everybody_who_reads_the_city",
    "test_a_city_is_counted_in_again_and_both_acts_are_in_the_trail",
    "test_a_freeze_waits_for_who_holds_another_wave_of_its_series",
    "test_a_large_wave_is_previewed_file_by_file_with_the_same_figures",
    "test_a_preview_says_how_far_it_is_and_can_be_stopped",
    "test_a_preview_may_read_for_minutes",
    "test_a_recomputation_holds_the_series",
    "test_a_series_that_is_never_free_is_refused_in_words",
    "test_a_wave_goes_the_whole_way_on_postgresql",
    "test_a_wave_that_does_not_come_to_rest_is_refused_in_words",
    "test_interviews_are_handed_in_and_approved_beside_a_freeze",
    "test_of_two_freezes_of_a_wave_the_last_to_end_is_the_newest",
    "test_one_release_of_a_wave_stands",
    "test_one_requests_another_confirms_and_the_requester_cannot",
    "test_the_database_holds_the_rules_as_well",
    "test_the_database_refuses_one_person_twice",
    "test_the_figures_are_those_of_the_given_weights",
    "test_two_waves_of_a_series_are_frozen_at_once",
})  # fmt: skip


def is_second_run(folder: str, file: str, test: str) -> bool:
    """Whether a test on PostgreSQL repeats its run on SQLite and is left out.

    `folder` is that directly below `tests`, `file` the name without `.py`, `test` that of the
    function.
    """
    return folder in WITHOUT_TWINS and file not in FILES_ON_BOTH and test not in TESTS_ON_BOTH
