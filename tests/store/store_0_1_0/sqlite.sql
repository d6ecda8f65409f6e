-- The store of version 0.1.0, statement by statement; never changed.
CREATE TABLE account (
  id CHAR(32) NOT NULL,
  login VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  area VARCHAR NOT NULL,
  is_demo BOOLEAN NOT NULL,
  active BOOLEAN NOT NULL,
  created_at DATETIME NOT NULL,
  ends_at DATETIME,
  email VARCHAR,
  CONSTRAINT pk_account PRIMARY KEY (id),
  CONSTRAINT uq_account_login UNIQUE (login)
)
;;
CREATE UNIQUE INDEX ux_account_email ON account (email)
;;
CREATE TABLE audit_entry (
  id CHAR(32) NOT NULL,
  at DATETIME NOT NULL,
  actor_id CHAR(32),
  action VARCHAR NOT NULL,
  subject_kind VARCHAR NOT NULL,
  subject_id VARCHAR NOT NULL,
  detail JSON NOT NULL,
  sequence BIGINT,
  hash VARCHAR(64),
  key_id VARCHAR(12),
  CONSTRAINT pk_audit_entry PRIMARY KEY (id),
  CONSTRAINT uq_audit_entry_sequence UNIQUE (sequence)
)
;;
CREATE INDEX ix_audit_entry_action ON audit_entry (action, sequence)
;;
CREATE INDEX ix_audit_entry_actor_id ON audit_entry (actor_id, sequence) WHERE actor_id IS NOT NULL
;;
CREATE INDEX ix_audit_entry_at ON audit_entry (at)
;;
CREATE INDEX ix_audit_entry_subject_id ON audit_entry (subject_id)
;;
CREATE TABLE audit_head (
  id INTEGER NOT NULL,
  sequence BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  base_sequence BIGINT NOT NULL,
  base_hash VARCHAR(64) NOT NULL,
  CONSTRAINT pk_audit_head PRIMARY KEY (id),
  CONSTRAINT ck_audit_head_one CHECK (id = 1),
  CONSTRAINT ck_audit_head_base CHECK (base_sequence >= 0 AND base_sequence <= sequence)
)
;;
CREATE TABLE audit_member (
  response_id CHAR(32) NOT NULL,
  entry_id CHAR(32) NOT NULL,
  CONSTRAINT pk_audit_member PRIMARY KEY (response_id, entry_id)
)
;;
CREATE INDEX ix_audit_member_entry_id ON audit_member (entry_id)
;;
CREATE TABLE background_run (
  name VARCHAR(40) NOT NULL,
  leased_until DATETIME NOT NULL,
  lease CHAR(32) NOT NULL,
  started_at DATETIME,
  finished_at DATETIME,
  result JSON NOT NULL,
  CONSTRAINT pk_background_run PRIMARY KEY (name)
)
;;
CREATE TABLE city (
  code VARCHAR(6) NOT NULL,
  name_zh VARCHAR NOT NULL,
  name_en VARCHAR NOT NULL,
  province_zh VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  region3 VARCHAR NOT NULL,
  city_class VARCHAR NOT NULL,
  lon FLOAT NOT NULL,
  lat FLOAT NOT NULL,
  resident_population_2020 INTEGER NOT NULL,
  share_male FLOAT NOT NULL,
  share_age_0_14 FLOAT NOT NULL,
  share_age_15_59 FLOAT NOT NULL,
  share_age_60_plus FLOAT NOT NULL,
  share_age_65_plus FLOAT NOT NULL,
  urbanization_rate FLOAT NOT NULL,
  retail_sales FLOAT,
  retail_sales_year INTEGER,
  retail_sales_source VARCHAR NOT NULL,
  census_source VARCHAR NOT NULL,
  list_basis VARCHAR NOT NULL,
  CONSTRAINT pk_city PRIMARY KEY (code)
)
;;
CREATE TABLE indicator_tree_version (
  id CHAR(32) NOT NULL,
  name VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  document BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_indicator_tree_version PRIMARY KEY (id),
  CONSTRAINT uq_indicator_tree_version_name UNIQUE (name),
  CONSTRAINT uq_indicator_tree_version_sha256 UNIQUE (sha256)
)
;;
CREATE TABLE instrument_version (
  id CHAR(32) NOT NULL,
  name VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  document BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_instrument_version PRIMARY KEY (id),
  CONSTRAINT uq_instrument_version_name_version UNIQUE (name, version),
  CONSTRAINT uq_instrument_version_sha256 UNIQUE (sha256)
)
;;
CREATE TABLE schema_floor (
  revision VARCHAR(32) NOT NULL,
  CONSTRAINT pk_schema_floor PRIMARY KEY (revision)
)
;;
CREATE TABLE sign_in_tries (
  subject VARCHAR(80) NOT NULL,
  tries INTEGER NOT NULL,
  last_at DATETIME NOT NULL,
  locked_until DATETIME,
  CONSTRAINT pk_sign_in_tries PRIMARY KEY (subject)
)
;;
CREATE INDEX ix_sign_in_tries_last_at ON sign_in_tries (last_at)
;;
CREATE TABLE api_key (
  id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  name VARCHAR NOT NULL,
  secret_sha256 VARCHAR(64) NOT NULL,
  created_by CHAR(32),
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  revoked_at DATETIME,
  scope VARCHAR(24) DEFAULT 'results' NOT NULL,
  CONSTRAINT pk_api_key PRIMARY KEY (id),
  CONSTRAINT fk_api_key_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT uq_api_key_secret_sha256 UNIQUE (secret_sha256),
  CONSTRAINT fk_api_key_created_by FOREIGN KEY(created_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_api_key_account_id ON api_key (account_id)
;;
CREATE TABLE chosen_peer (
  city_code VARCHAR NOT NULL,
  position INTEGER NOT NULL,
  peer_code VARCHAR NOT NULL,
  chosen_by CHAR(32),
  chosen_at DATETIME NOT NULL,
  CONSTRAINT pk_chosen_peer PRIMARY KEY (city_code, position),
  CONSTRAINT uq_chosen_peer_city_code_peer_code UNIQUE (city_code, peer_code),
  CONSTRAINT ck_chosen_peer_position CHECK (position BETWEEN 1 AND 8),
  CONSTRAINT ck_chosen_peer_other_city CHECK (peer_code <> city_code),
  CONSTRAINT fk_chosen_peer_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_chosen_peer_peer_code FOREIGN KEY(peer_code) REFERENCES city (code),
  CONSTRAINT fk_chosen_peer_chosen_by FOREIGN KEY(chosen_by) REFERENCES account (id)
)
;;
CREATE TABLE comparative_test (
  id CHAR(32) NOT NULL,
  "key" VARCHAR NOT NULL,
  area VARCHAR NOT NULL,
  title_zh VARCHAR NOT NULL,
  title_en VARCHAR NOT NULL,
  purpose VARCHAR NOT NULL,
  funder VARCHAR NOT NULL,
  laboratory VARCHAR NOT NULL,
  accreditation VARCHAR NOT NULL,
  rules JSON NOT NULL,
  rules_sha256 VARCHAR NOT NULL,
  reply_due_on DATE,
  state VARCHAR(24) NOT NULL,
  lock_version INTEGER NOT NULL,
  is_demo BOOLEAN NOT NULL,
  planned_by CHAR(32),
  planned_at DATETIME NOT NULL,
  first_signed_by CHAR(32),
  first_signed_at DATETIME,
  signed_sha256 VARCHAR NOT NULL,
  released_by CHAR(32),
  released_at DATETIME,
  one_person VARCHAR NOT NULL,
  CONSTRAINT pk_comparative_test PRIMARY KEY (id),
  CONSTRAINT ck_comparative_test_two_people CHECK (released_at IS NULL OR one_person <> '' OR (first_signed_by IS NULL) <> (released_by IS NULL) OR (first_signed_by IS NOT NULL AND first_signed_by <> released_by)),
  CONSTRAINT ck_comparative_test_released CHECK ((state = 'released') = (released_at IS NOT NULL)),
  CONSTRAINT ck_comparative_test_released_with_rules CHECK (released_at IS NULL OR rules_sha256 <> ''),
  CONSTRAINT uq_comparative_test_key UNIQUE ("key"),
  CONSTRAINT ck_comparative_test_comparativeteststate CHECK (state IN ('planned', 'bought', 'at_laboratory', 'results_in', 'makers_heard', 'released')),
  CONSTRAINT fk_comparative_test_planned_by FOREIGN KEY(planned_by) REFERENCES account (id),
  CONSTRAINT fk_comparative_test_first_signed_by FOREIGN KEY(first_signed_by) REFERENCES account (id),
  CONSTRAINT fk_comparative_test_released_by FOREIGN KEY(released_by) REFERENCES account (id)
)
;;
CREATE TABLE credential (
  account_id CHAR(32) NOT NULL,
  password_hash VARCHAR,
  password_set_at DATETIME,
  must_change BOOLEAN NOT NULL,
  totp_secret VARCHAR(64),
  totp_since DATETIME,
  totp_step INTEGER,
  CONSTRAINT pk_credential PRIMARY KEY (account_id),
  CONSTRAINT fk_credential_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE TABLE delivery (
  id CHAR(32) NOT NULL,
  kind VARCHAR(24) NOT NULL,
  external_id VARCHAR NOT NULL,
  source VARCHAR NOT NULL,
  data_as_of DATE NOT NULL,
  known_faults VARCHAR NOT NULL,
  code_version VARCHAR NOT NULL,
  file_name VARCHAR NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  row_count INTEGER NOT NULL,
  is_demo BOOLEAN NOT NULL,
  account_id CHAR(32),
  at DATETIME NOT NULL,
  withdrawn_at DATETIME,
  withdrawal_reason VARCHAR,
  CONSTRAINT pk_delivery PRIMARY KEY (id),
  CONSTRAINT uq_delivery_kind_external_id_is_demo UNIQUE (kind, external_id, is_demo),
  CONSTRAINT ck_delivery_deliverykind CHECK (kind IN ('complaints', 'opinion')),
  CONSTRAINT fk_delivery_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE TABLE import_mapping (
  id CHAR(32) NOT NULL,
  instrument_name VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  document BLOB NOT NULL,
  author_id CHAR(32),
  changed_at DATETIME NOT NULL,
  CONSTRAINT pk_import_mapping PRIMARY KEY (id),
  CONSTRAINT uq_import_mapping_instrument_name_name UNIQUE (instrument_name, name),
  CONSTRAINT fk_import_mapping_author_id FOREIGN KEY(author_id) REFERENCES account (id)
)
;;
CREATE TABLE login_session (
  secret_sha256 VARCHAR(64) NOT NULL,
  account_id CHAR(32) NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  ended_at DATETIME,
  seen_at DATETIME,
  idle_until DATETIME,
  visited_before_at DATETIME,
  CONSTRAINT pk_login_session PRIMARY KEY (secret_sha256),
  CONSTRAINT fk_login_session_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_login_session_account_id ON login_session (account_id)
;;
CREATE TABLE outside_identity (
  id CHAR(32) NOT NULL,
  key_sha256 VARCHAR(64) NOT NULL,
  issuer VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  account_id CHAR(32) NOT NULL,
  linked_at DATETIME NOT NULL,
  CONSTRAINT pk_outside_identity PRIMARY KEY (id),
  CONSTRAINT uq_outside_identity_key_sha256 UNIQUE (key_sha256),
  CONSTRAINT fk_outside_identity_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_outside_identity_account_id ON outside_identity (account_id)
;;
CREATE TABLE publication_key (
  id VARCHAR(16) NOT NULL,
  public_key VARCHAR NOT NULL,
  is_demo BOOLEAN NOT NULL,
  registered_by CHAR(32),
  registered_at DATETIME NOT NULL,
  withdrawn_by CHAR(32),
  withdrawn_at DATETIME,
  reason VARCHAR NOT NULL,
  CONSTRAINT pk_publication_key PRIMARY KEY (id),
  CONSTRAINT ck_publication_key_withdrawn_with_reason CHECK (withdrawn_at IS NULL OR reason <> ''),
  CONSTRAINT fk_publication_key_registered_by FOREIGN KEY(registered_by) REFERENCES account (id),
  CONSTRAINT fk_publication_key_withdrawn_by FOREIGN KEY(withdrawn_by) REFERENCES account (id)
)
;;
CREATE TABLE recovery_code (
  code_sha256 VARCHAR(64) NOT NULL,
  account_id CHAR(32) NOT NULL,
  CONSTRAINT pk_recovery_code PRIMARY KEY (code_sha256),
  CONSTRAINT fk_recovery_code_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_recovery_code_account_id ON recovery_code (account_id)
;;
CREATE TABLE setup_link (
  token_sha256 VARCHAR(64) NOT NULL,
  account_id CHAR(32) NOT NULL,
  created_at DATETIME NOT NULL,
  created_by CHAR(32),
  expires_at DATETIME NOT NULL,
  CONSTRAINT pk_setup_link PRIMARY KEY (token_sha256),
  CONSTRAINT fk_setup_link_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_setup_link_created_by FOREIGN KEY(created_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_setup_link_account_id ON setup_link (account_id)
;;
CREATE TABLE sign_in_code (
  account_id CHAR(32) NOT NULL,
  code_hash VARCHAR NOT NULL,
  created_at DATETIME NOT NULL,
  created_by CHAR(32),
  expires_at DATETIME NOT NULL,
  CONSTRAINT pk_sign_in_code PRIMARY KEY (account_id),
  CONSTRAINT fk_sign_in_code_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_sign_in_code_created_by FOREIGN KEY(created_by) REFERENCES account (id)
)
;;
CREATE TABLE sign_in_step (
  secret_sha256 VARCHAR(64) NOT NULL,
  account_id CHAR(32),
  second_factor BOOLEAN NOT NULL,
  detail JSON NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  CONSTRAINT pk_sign_in_step PRIMARY KEY (secret_sha256),
  CONSTRAINT fk_sign_in_step_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_sign_in_step_account_id ON sign_in_step (account_id)
;;
CREATE TABLE wave (
  id CHAR(32) NOT NULL,
  "key" VARCHAR NOT NULL,
  series VARCHAR NOT NULL,
  year INTEGER NOT NULL,
  title_zh VARCHAR NOT NULL,
  title_en VARCHAR NOT NULL,
  instrument_id CHAR(32) NOT NULL,
  tree_id CHAR(32),
  state VARCHAR(24) NOT NULL,
  opens_on DATE,
  closes_on DATE,
  composite VARCHAR NOT NULL,
  is_demo BOOLEAN NOT NULL,
  created_at DATETIME NOT NULL,
  unit VARCHAR(24) DEFAULT 'person' NOT NULL,
  CONSTRAINT pk_wave PRIMARY KEY (id),
  CONSTRAINT ck_wave_venues_apart CHECK (unit = 'person' OR (tree_id IS NULL AND state NOT IN ('frozen', 'released'))),
  CONSTRAINT uq_wave_key UNIQUE ("key"),
  CONSTRAINT fk_wave_instrument_id FOREIGN KEY(instrument_id) REFERENCES instrument_version (id),
  CONSTRAINT fk_wave_tree_id FOREIGN KEY(tree_id) REFERENCES indicator_tree_version (id),
  CONSTRAINT ck_wave_wavestate CHECK (state IN ('planned', 'open', 'closed', 'frozen', 'released')),
  CONSTRAINT ck_wave_studyunit CHECK (unit IN ('person', 'venue'))
)
;;
CREATE TABLE answer_archive (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  rows BIGINT NOT NULL,
  content_sha256 VARCHAR(64) NOT NULL,
  file_sha256 VARCHAR(64) NOT NULL,
  file_name VARCHAR NOT NULL,
  archived_at DATETIME NOT NULL,
  archived_by CHAR(32),
  restored_at DATETIME,
  restored_by CHAR(32),
  CONSTRAINT pk_answer_archive PRIMARY KEY (id),
  CONSTRAINT fk_answer_archive_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_answer_archive_archived_by FOREIGN KEY(archived_by) REFERENCES account (id),
  CONSTRAINT fk_answer_archive_restored_by FOREIGN KEY(restored_by) REFERENCES account (id)
)
;;
CREATE UNIQUE INDEX ux_answer_archive_wave ON answer_archive (wave_id) WHERE restored_at IS NULL
;;
CREATE TABLE back_check_draw (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  area VARCHAR NOT NULL,
  seed VARCHAR(40) NOT NULL,
  random_share FLOAT NOT NULL,
  risk_share FLOAT NOT NULL,
  as_of DATETIME NOT NULL,
  pool INTEGER NOT NULL,
  drawn INTEGER NOT NULL,
  drawn_sha256 VARCHAR(64) NOT NULL,
  drawn_by CHAR(32),
  drawn_at DATETIME NOT NULL,
  CONSTRAINT pk_back_check_draw PRIMARY KEY (id),
  CONSTRAINT fk_back_check_draw_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_back_check_draw_drawn_by FOREIGN KEY(drawn_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_back_check_draw_wave_id ON back_check_draw (wave_id)
;;
CREATE TABLE city_target (
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  target INTEGER NOT NULL,
  guardian_share FLOAT,
  CONSTRAINT pk_city_target PRIMARY KEY (wave_id, city_code),
  CONSTRAINT ck_city_target_target CHECK (target > 0),
  CONSTRAINT ck_city_target_guardian_share CHECK (guardian_share >= 0 AND guardian_share <= 1),
  CONSTRAINT fk_city_target_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_city_target_city_code FOREIGN KEY(city_code) REFERENCES city (code)
)
;;
CREATE TABLE delivery_revision (
  id CHAR(32) NOT NULL,
  delivery_id CHAR(32) NOT NULL,
  kind VARCHAR(24) NOT NULL,
  period VARCHAR(7) NOT NULL,
  number INTEGER NOT NULL,
  is_demo BOOLEAN NOT NULL,
  CONSTRAINT pk_delivery_revision PRIMARY KEY (id),
  CONSTRAINT uq_delivery_revision_kind_period_is_demo_number UNIQUE (kind, period, is_demo, number),
  CONSTRAINT fk_delivery_revision_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery (id),
  CONSTRAINT ck_delivery_revision_deliverykind CHECK (kind IN ('complaints', 'opinion'))
)
;;
CREATE INDEX ix_delivery_revision_delivery_id ON delivery_revision (delivery_id)
;;
CREATE TABLE imported_file (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  name VARCHAR NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  source VARCHAR(24) NOT NULL,
  written INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  account_id CHAR(32),
  at DATETIME NOT NULL,
  weight_column VARCHAR,
  CONSTRAINT pk_imported_file PRIMARY KEY (id),
  CONSTRAINT fk_imported_file_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_imported_file_account_id FOREIGN KEY(account_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_imported_file_wave_id ON imported_file (wave_id)
;;
CREATE TABLE left_out_city (
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  left_out_by CHAR(32),
  left_out_at DATETIME NOT NULL,
  CONSTRAINT pk_left_out_city PRIMARY KEY (wave_id, city_code),
  CONSTRAINT fk_left_out_city_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_left_out_city_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_left_out_city_left_out_by FOREIGN KEY(left_out_by) REFERENCES account (id)
)
;;
CREATE TABLE maker_reply (
  id CHAR(32) NOT NULL,
  test_id CHAR(32) NOT NULL,
  maker VARCHAR NOT NULL,
  sent_on DATE NOT NULL,
  due_on DATE NOT NULL,
  received_on DATE,
  stance VARCHAR(24),
  text VARCHAR NOT NULL,
  answer VARCHAR NOT NULL,
  CONSTRAINT pk_maker_reply PRIMARY KEY (id),
  CONSTRAINT uq_maker_reply_test_id_maker UNIQUE (test_id, maker),
  CONSTRAINT ck_maker_reply_received CHECK ((received_on IS NULL) = (stance IS NULL)),
  CONSTRAINT fk_maker_reply_test_id FOREIGN KEY(test_id) REFERENCES comparative_test (id),
  CONSTRAINT ck_maker_reply_replystance CHECK (stance IN ('agrees', 'objects', 'wants_retest', 'remarks'))
)
;;
CREATE TABLE paper_plan (
  wave_id CHAR(32) NOT NULL,
  share FLOAT NOT NULL,
  seed VARCHAR(64) NOT NULL,
  changed_at DATETIME NOT NULL,
  CONSTRAINT pk_paper_plan PRIMARY KEY (wave_id),
  CONSTRAINT ck_paper_plan_share CHECK (share >= 0 AND share <= 1),
  CONSTRAINT fk_paper_plan_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE TABLE point_draw (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  seed BIGINT NOT NULL,
  per_city INTEGER NOT NULL,
  list_sha256 VARCHAR(64) NOT NULL,
  list_document BLOB NOT NULL,
  listed INTEGER NOT NULL,
  drawn INTEGER NOT NULL,
  drawn_at DATETIME NOT NULL,
  CONSTRAINT pk_point_draw PRIMARY KEY (id),
  CONSTRAINT fk_point_draw_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE INDEX ix_point_draw_wave_id ON point_draw (wave_id)
;;
CREATE TABLE posting (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  supervisor_id CHAR(32),
  agency VARCHAR(80) NOT NULL,
  CONSTRAINT pk_posting PRIMARY KEY (id),
  CONSTRAINT uq_posting_wave_id_account_id_city_code UNIQUE (wave_id, account_id, city_code),
  CONSTRAINT fk_posting_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_posting_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_posting_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_posting_supervisor_id FOREIGN KEY(supervisor_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_posting_account_id ON posting (account_id)
;;
CREATE TABLE problem (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  basis VARCHAR(24) NOT NULL,
  indicator VARCHAR NOT NULL,
  respondent_group VARCHAR NOT NULL,
  wording VARCHAR NOT NULL,
  measure VARCHAR NOT NULL,
  unit VARCHAR NOT NULL,
  deadline DATE,
  state VARCHAR(24) NOT NULL,
  version INTEGER NOT NULL,
  created_by CHAR(32),
  created_at DATETIME NOT NULL,
  changed_at DATETIME NOT NULL,
  CONSTRAINT pk_problem PRIMARY KEY (id),
  CONSTRAINT ck_problem_in_somebodys_hands CHECK ((unit <> '' AND deadline IS NOT NULL) OR state IN ('proposed', 'withdrawn')),
  CONSTRAINT fk_problem_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_problem_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT ck_problem_problembasis CHECK (basis IN ('priority', 'below_nation', 'group_gap', 'chosen')),
  CONSTRAINT ck_problem_problemstate CHECK (state IN ('proposed', 'in_progress', 'done', 'accepted', 'reopened', 'withdrawn')),
  CONSTRAINT fk_problem_created_by FOREIGN KEY(created_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_problem_city_code ON problem (city_code)
;;
CREATE UNIQUE INDEX uq_problem_standing ON problem (wave_id, city_code, indicator, respondent_group) WHERE state <> 'withdrawn'
;;
CREATE TABLE product_sample (
  id CHAR(32) NOT NULL,
  test_id CHAR(32) NOT NULL,
  code VARCHAR NOT NULL,
  brand VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  gtin VARCHAR NOT NULL,
  batch VARCHAR NOT NULL,
  maker VARCHAR NOT NULL,
  channel VARCHAR NOT NULL,
  place VARCHAR NOT NULL,
  bought_on DATE NOT NULL,
  price_fen INTEGER NOT NULL,
  receipt VARCHAR NOT NULL,
  is_anonymous BOOLEAN NOT NULL,
  CONSTRAINT pk_product_sample PRIMARY KEY (id),
  CONSTRAINT uq_product_sample_test_id_code UNIQUE (test_id, code),
  CONSTRAINT ck_product_sample_price CHECK (price_fen > 0),
  CONSTRAINT fk_product_sample_test_id FOREIGN KEY(test_id) REFERENCES comparative_test (id)
)
;;
CREATE TABLE quota_cell (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  age_band VARCHAR NOT NULL,
  gender VARCHAR NOT NULL,
  target INTEGER NOT NULL,
  collected INTEGER NOT NULL,
  stops BOOLEAN DEFAULT 1 NOT NULL,
  CONSTRAINT pk_quota_cell PRIMARY KEY (id),
  CONSTRAINT uq_quota_cell_wave_id_city_code_age_band_gender UNIQUE (wave_id, city_code, age_band, gender),
  CONSTRAINT fk_quota_cell_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_quota_cell_city_code FOREIGN KEY(city_code) REFERENCES city (code)
)
;;
CREATE TABLE quota_margin (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  dimension VARCHAR(24) NOT NULL,
  category VARCHAR(24) NOT NULL,
  target INTEGER NOT NULL,
  collected INTEGER DEFAULT '0' NOT NULL,
  stops BOOLEAN DEFAULT 0 NOT NULL,
  CONSTRAINT pk_quota_margin PRIMARY KEY (id),
  CONSTRAINT uq_quota_margin_wave_id_city_code_dimension_category UNIQUE (wave_id, city_code, dimension, category),
  CONSTRAINT ck_quota_margin_target CHECK (target >= 0),
  CONSTRAINT fk_quota_margin_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_quota_margin_city_code FOREIGN KEY(city_code) REFERENCES city (code)
)
;;
CREATE TABLE review_rule (
  wave_id CHAR(32) NOT NULL,
  one_person BOOLEAN NOT NULL,
  set_at DATETIME NOT NULL,
  CONSTRAINT pk_review_rule PRIMARY KEY (wave_id),
  CONSTRAINT fk_review_rule_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE TABLE row_export (
  id CHAR(32) NOT NULL,
  account_id CHAR(32),
  wave_id CHAR(32) NOT NULL,
  snapshot_sha256 VARCHAR(64) NOT NULL,
  area VARCHAR NOT NULL,
  purpose VARCHAR NOT NULL,
  form VARCHAR(16) NOT NULL,
  rows INTEGER NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  secret VARCHAR(64) NOT NULL,
  made_at DATETIME NOT NULL,
  CONSTRAINT pk_row_export PRIMARY KEY (id),
  CONSTRAINT fk_row_export_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_row_export_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE INDEX ix_row_export_wave_id ON row_export (wave_id)
;;
CREATE TABLE sampling_point (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  code VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  kind VARCHAR(24) NOT NULL,
  stratum VARCHAR NOT NULL,
  target INTEGER NOT NULL,
  opens_on DATE,
  closes_on DATE,
  CONSTRAINT pk_sampling_point PRIMARY KEY (id),
  CONSTRAINT uq_sampling_point_wave_id_code UNIQUE (wave_id, code),
  CONSTRAINT fk_sampling_point_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_sampling_point_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT ck_sampling_point_pointkind CHECK (kind IN ('compound', 'mall', 'supermarket', 'scenic', 'village', 'venue'))
)
;;
CREATE INDEX ix_sampling_point_city_code ON sampling_point (city_code)
;;
CREATE TABLE snapshot (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  final BOOLEAN NOT NULL,
  sha256 VARCHAR NOT NULL,
  directory VARCHAR NOT NULL,
  rows INTEGER NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_snapshot PRIMARY KEY (id),
  CONSTRAINT fk_snapshot_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE INDEX ix_snapshot_wave_id ON snapshot (wave_id)
;;
CREATE TABLE surveyor_note (
  id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  retrain_by DATE NOT NULL,
  note VARCHAR NOT NULL,
  made_by CHAR(32),
  made_at DATETIME NOT NULL,
  CONSTRAINT pk_surveyor_note PRIMARY KEY (id),
  CONSTRAINT fk_surveyor_note_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_surveyor_note_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_surveyor_note_made_by FOREIGN KEY(made_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_surveyor_note_account_id ON surveyor_note (account_id)
;;
CREATE TABLE venue_check (
  wave_id CHAR(32) NOT NULL,
  area VARCHAR NOT NULL,
  scenario VARCHAR NOT NULL,
  observers INTEGER NOT NULL,
  lock_version INTEGER NOT NULL,
  planned_by CHAR(32),
  released_by CHAR(32),
  released_at DATETIME,
  CONSTRAINT pk_venue_check PRIMARY KEY (wave_id),
  CONSTRAINT ck_venue_check_observers CHECK (observers BETWEEN 1 AND 4),
  CONSTRAINT fk_venue_check_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_venue_check_planned_by FOREIGN KEY(planned_by) REFERENCES account (id),
  CONSTRAINT fk_venue_check_released_by FOREIGN KEY(released_by) REFERENCES account (id)
)
;;
CREATE TABLE wave_plan (
  wave_id CHAR(32) NOT NULL,
  margin FLOAT NOT NULL,
  level FLOAT NOT NULL,
  deff FLOAT NOT NULL,
  rule VARCHAR NOT NULL,
  total INTEGER NOT NULL,
  price FLOAT NOT NULL,
  budget FLOAT,
  crossed BOOLEAN NOT NULL,
  reserve FLOAT NOT NULL,
  elderly_factor FLOAT NOT NULL,
  guardian_factor FLOAT NOT NULL,
  saved_at DATETIME NOT NULL,
  CONSTRAINT pk_wave_plan PRIMARY KEY (wave_id),
  CONSTRAINT ck_wave_plan_factors CHECK (elderly_factor >= 1 AND guardian_factor >= 1),
  CONSTRAINT ck_wave_plan_reserve CHECK (reserve >= 0),
  CONSTRAINT fk_wave_plan_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id)
)
;;
CREATE TABLE wave_release (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  shown VARCHAR(24) NOT NULL,
  first_places INTEGER,
  released_by CHAR(32),
  released_at DATETIME NOT NULL,
  revoked_by CHAR(32),
  revoked_at DATETIME,
  reason VARCHAR NOT NULL,
  CONSTRAINT pk_wave_release PRIMARY KEY (id),
  CONSTRAINT ck_wave_release_first_places CHECK ((shown = 'names') = (first_places IS NOT NULL)),
  CONSTRAINT fk_wave_release_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT ck_wave_release_shown CHECK (shown IN ('scores', 'names', 'nothing')),
  CONSTRAINT fk_wave_release_released_by FOREIGN KEY(released_by) REFERENCES account (id),
  CONSTRAINT fk_wave_release_revoked_by FOREIGN KEY(revoked_by) REFERENCES account (id)
)
;;
CREATE UNIQUE INDEX ix_wave_release_stands ON wave_release (wave_id) WHERE revoked_at IS NULL
;;
CREATE TABLE wave_request (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  act VARCHAR(24) NOT NULL,
  options JSON NOT NULL,
  requested_by CHAR(32),
  requested_at DATETIME NOT NULL,
  confirmed BOOLEAN NOT NULL,
  ended_by CHAR(32),
  ended_at DATETIME,
  CONSTRAINT pk_wave_request PRIMARY KEY (id),
  CONSTRAINT ck_wave_request_ended CHECK (ended_at IS NOT NULL OR NOT confirmed),
  CONSTRAINT ck_wave_request_two_people CHECK (NOT confirmed OR (requested_by IS NULL) <> (ended_by IS NULL) OR (requested_by IS NOT NULL AND requested_by <> ended_by)),
  CONSTRAINT fk_wave_request_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT ck_wave_request_waveact CHECK (act IN ('freeze', 'release', 'archive')),
  CONSTRAINT fk_wave_request_requested_by FOREIGN KEY(requested_by) REFERENCES account (id),
  CONSTRAINT fk_wave_request_ended_by FOREIGN KEY(ended_by) REFERENCES account (id)
)
;;
CREATE UNIQUE INDEX ix_wave_request_open ON wave_request (wave_id) WHERE ended_at IS NULL
;;
CREATE TABLE assignment (
  id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  point_id CHAR(32) NOT NULL,
  CONSTRAINT pk_assignment PRIMARY KEY (id),
  CONSTRAINT uq_assignment_account_id_point_id UNIQUE (account_id, point_id),
  CONSTRAINT fk_assignment_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_assignment_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id)
)
;;
CREATE INDEX ix_assignment_point_id ON assignment (point_id)
;;
CREATE TABLE comparative_test_erratum (
  id CHAR(32) NOT NULL,
  test_id CHAR(32) NOT NULL,
  number INTEGER NOT NULL,
  sample_id CHAR(32) NOT NULL,
  characteristic VARCHAR NOT NULL,
  value VARCHAR NOT NULL,
  is_below BOOLEAN NOT NULL,
  uncertainty VARCHAR,
  coverage VARCHAR,
  measured_on DATE NOT NULL,
  reason VARCHAR NOT NULL,
  proposed_by CHAR(32),
  proposed_at DATETIME NOT NULL,
  confirmed_by CHAR(32),
  confirmed_at DATETIME,
  one_person VARCHAR NOT NULL,
  CONSTRAINT pk_comparative_test_erratum PRIMARY KEY (id),
  CONSTRAINT uq_comparative_test_erratum_test_id_number UNIQUE (test_id, number),
  CONSTRAINT ck_comparative_test_erratum_with_reason CHECK (reason <> ''),
  CONSTRAINT ck_comparative_test_erratum_two_people CHECK (confirmed_at IS NULL OR one_person <> '' OR (proposed_by IS NULL) <> (confirmed_by IS NULL) OR (proposed_by IS NOT NULL AND proposed_by <> confirmed_by)),
  CONSTRAINT fk_comparative_test_erratum_test_id FOREIGN KEY(test_id) REFERENCES comparative_test (id),
  CONSTRAINT fk_comparative_test_erratum_sample_id FOREIGN KEY(sample_id) REFERENCES product_sample (id),
  CONSTRAINT fk_comparative_test_erratum_proposed_by FOREIGN KEY(proposed_by) REFERENCES account (id),
  CONSTRAINT fk_comparative_test_erratum_confirmed_by FOREIGN KEY(confirmed_by) REFERENCES account (id)
)
;;
CREATE TABLE complaint_count (
  revision_id CHAR(32) NOT NULL,
  area VARCHAR(6) NOT NULL,
  nature VARCHAR(24) NOT NULL,
  goods_class VARCHAR(24) NOT NULL,
  channel VARCHAR(24) NOT NULL,
  age_group VARCHAR(24) NOT NULL,
  accepted INTEGER NOT NULL,
  solved INTEGER NOT NULL,
  mediated INTEGER,
  mediation_succeeded INTEGER,
  settled_first INTEGER,
  recovered_fen BIGINT,
  consultations INTEGER,
  fraud INTEGER,
  CONSTRAINT pk_complaint_count PRIMARY KEY (revision_id, area, nature, goods_class, channel, age_group),
  CONSTRAINT ck_complaint_count_solved CHECK (solved <= accepted),
  CONSTRAINT ck_complaint_count_mediation CHECK (mediation_succeeded <= mediated),
  CONSTRAINT fk_complaint_count_revision_id FOREIGN KEY(revision_id) REFERENCES delivery_revision (id)
)
;;
CREATE TABLE complaint_summary (
  revision_id CHAR(32) NOT NULL,
  lens VARCHAR(12) NOT NULL,
  area VARCHAR(6) NOT NULL,
  code VARCHAR(24) NOT NULL,
  accepted INTEGER NOT NULL,
  solved INTEGER NOT NULL,
  mediated INTEGER,
  mediation_succeeded INTEGER,
  settled_first INTEGER,
  recovered_fen BIGINT,
  consultations INTEGER,
  fraud INTEGER,
  CONSTRAINT pk_complaint_summary PRIMARY KEY (revision_id, lens, area, code),
  CONSTRAINT fk_complaint_summary_revision_id FOREIGN KEY(revision_id) REFERENCES delivery_revision (id)
)
;;
CREATE TABLE exact_row_request (
  id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  snapshot_id CHAR(32) NOT NULL,
  area VARCHAR NOT NULL,
  purpose VARCHAR NOT NULL,
  by_operator BOOLEAN NOT NULL,
  requested_at DATETIME NOT NULL,
  decision VARCHAR(24),
  decided_by CHAR(32),
  decided_at DATETIME,
  reason VARCHAR NOT NULL,
  export_id CHAR(32),
  CONSTRAINT pk_exact_row_request PRIMARY KEY (id),
  CONSTRAINT ck_exact_row_request_two_people CHECK (decided_by IS NULL OR decided_by <> account_id),
  CONSTRAINT ck_exact_row_request_decided CHECK ((decision IS NULL) = (decided_at IS NULL)),
  CONSTRAINT ck_exact_row_request_two_places CHECK (decision IS NULL OR decided_by IS NOT NULL OR NOT by_operator),
  CONSTRAINT ck_exact_row_request_approved CHECK (export_id IS NULL OR (decision IS NOT NULL AND decision = 'approved')),
  CONSTRAINT fk_exact_row_request_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_exact_row_request_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_exact_row_request_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES snapshot (id),
  CONSTRAINT ck_exact_row_request_decision CHECK (decision IN ('approved', 'refused')),
  CONSTRAINT fk_exact_row_request_decided_by FOREIGN KEY(decided_by) REFERENCES account (id),
  CONSTRAINT uq_exact_row_request_export_id UNIQUE (export_id),
  CONSTRAINT fk_exact_row_request_export_id FOREIGN KEY(export_id) REFERENCES row_export (id)
)
;;
CREATE INDEX ix_exact_row_request_account_id ON exact_row_request (account_id)
;;
CREATE INDEX ix_exact_row_request_wave_id ON exact_row_request (wave_id)
;;
CREATE TABLE invitation (
  id CHAR(32) NOT NULL,
  token_sha256 VARCHAR(64) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  point_id CHAR(32) NOT NULL,
  surveyor_id CHAR(32) NOT NULL,
  issued_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  opened_at DATETIME,
  used_at DATETIME,
  device_sha256 VARCHAR(64),
  other_device_at DATETIME,
  ready_made BOOLEAN DEFAULT 0 NOT NULL,
  sheet_id CHAR(32),
  serial INTEGER,
  voided_at DATETIME,
  CONSTRAINT pk_invitation PRIMARY KEY (id),
  CONSTRAINT uq_invitation_token_sha256 UNIQUE (token_sha256),
  CONSTRAINT fk_invitation_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_invitation_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_invitation_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_invitation_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_invitation_sheet_id ON invitation (sheet_id)
;;
CREATE INDEX ix_invitation_surveyor_id ON invitation (surveyor_id)
;;
CREATE TABLE opinion_count (
  revision_id CHAR(32) NOT NULL,
  day DATE NOT NULL,
  area VARCHAR(6) NOT NULL,
  channel VARCHAR(24) NOT NULL,
  sentiment VARCHAR(24) NOT NULL,
  topic VARCHAR(40) NOT NULL,
  items INTEGER NOT NULL,
  CONSTRAINT pk_opinion_count PRIMARY KEY (revision_id, day, area, channel, sentiment, topic),
  CONSTRAINT fk_opinion_count_revision_id FOREIGN KEY(revision_id) REFERENCES delivery_revision (id)
)
;;
CREATE TABLE problem_evidence (
  id CHAR(32) NOT NULL,
  problem_id CHAR(32) NOT NULL,
  kind VARCHAR(24) NOT NULL,
  statement VARCHAR NOT NULL,
  reference VARCHAR NOT NULL,
  given_by CHAR(32),
  given_at DATETIME NOT NULL,
  CONSTRAINT pk_problem_evidence PRIMARY KEY (id),
  CONSTRAINT fk_problem_evidence_problem_id FOREIGN KEY(problem_id) REFERENCES problem (id),
  CONSTRAINT fk_problem_evidence_given_by FOREIGN KEY(given_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_problem_evidence_problem_id ON problem_evidence (problem_id)
;;
CREATE TABLE product_grade (
  sample_id CHAR(32) NOT NULL,
  mark VARCHAR NOT NULL,
  grade VARCHAR NOT NULL,
  steps JSON NOT NULL,
  CONSTRAINT pk_product_grade PRIMARY KEY (sample_id),
  CONSTRAINT fk_product_grade_sample_id FOREIGN KEY(sample_id) REFERENCES product_sample (id)
)
;;
CREATE TABLE product_measurement (
  id CHAR(32) NOT NULL,
  sample_id CHAR(32) NOT NULL,
  characteristic VARCHAR NOT NULL,
  number INTEGER NOT NULL,
  round VARCHAR(24) NOT NULL,
  value VARCHAR NOT NULL,
  is_below BOOLEAN NOT NULL,
  uncertainty VARCHAR,
  coverage VARCHAR,
  measured_on DATE NOT NULL,
  reason VARCHAR NOT NULL,
  entered_by CHAR(32),
  entered_at DATETIME NOT NULL,
  CONSTRAINT pk_product_measurement PRIMARY KEY (id),
  CONSTRAINT uq_product_measurement_sample_id_characteristic_number UNIQUE (sample_id, characteristic, number),
  CONSTRAINT ck_product_measurement_number CHECK (number > 0),
  CONSTRAINT ck_product_measurement_with_reason CHECK (round = 'first' OR reason <> ''),
  CONSTRAINT fk_product_measurement_sample_id FOREIGN KEY(sample_id) REFERENCES product_sample (id),
  CONSTRAINT ck_product_measurement_measurementround CHECK (round IN ('first', 'correction', 'retest')),
  CONSTRAINT fk_product_measurement_entered_by FOREIGN KEY(entered_by) REFERENCES account (id)
)
;;
CREATE TABLE publication (
  id CHAR(32) NOT NULL,
  "key" VARCHAR NOT NULL,
  wave_id CHAR(32) NOT NULL,
  title_zh VARCHAR NOT NULL,
  title_en VARCHAR NOT NULL,
  state VARCHAR(24) NOT NULL,
  shown VARCHAR(24) NOT NULL,
  first_places INTEGER,
  builders JSON NOT NULL,
  contact VARCHAR NOT NULL,
  embargo_until DATETIME NOT NULL,
  corrects_id CHAR(32),
  correction_reason VARCHAR NOT NULL,
  planned_by CHAR(32),
  planned_at DATETIME NOT NULL,
  snapshot_id CHAR(32),
  seal_sha256 VARCHAR NOT NULL,
  archive_sha256 VARCHAR NOT NULL,
  key_id VARCHAR(16),
  first_signed_by CHAR(32),
  first_signed_at DATETIME,
  second_signed_by CHAR(32),
  second_signed_at DATETIME,
  one_person VARCHAR NOT NULL,
  published_by CHAR(32),
  published_at DATETIME,
  retracted_by CHAR(32),
  retracted_at DATETIME,
  retraction_reason VARCHAR NOT NULL,
  CONSTRAINT pk_publication PRIMARY KEY (id),
  CONSTRAINT ck_publication_first_places CHECK ((shown = 'names') = (first_places IS NOT NULL)),
  CONSTRAINT ck_publication_two_people CHECK (second_signed_at IS NULL OR one_person <> '' OR (first_signed_by IS NULL) <> (second_signed_by IS NULL) OR (first_signed_by IS NOT NULL AND first_signed_by <> second_signed_by)),
  CONSTRAINT ck_publication_not_before_its_minute CHECK (published_at IS NULL OR published_at >= embargo_until),
  CONSTRAINT ck_publication_published_signed CHECK (published_at IS NULL OR second_signed_at IS NOT NULL),
  CONSTRAINT uq_publication_key UNIQUE ("key"),
  CONSTRAINT fk_publication_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT ck_publication_publicationstate CHECK (state IN ('planned', 'signed', 'published', 'corrected', 'retracted')),
  CONSTRAINT ck_publication_shown CHECK (shown IN ('scores', 'names', 'nothing')),
  CONSTRAINT fk_publication_corrects_id FOREIGN KEY(corrects_id) REFERENCES publication (id),
  CONSTRAINT fk_publication_planned_by FOREIGN KEY(planned_by) REFERENCES account (id),
  CONSTRAINT fk_publication_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES snapshot (id),
  CONSTRAINT fk_publication_key_id FOREIGN KEY(key_id) REFERENCES publication_key (id),
  CONSTRAINT fk_publication_first_signed_by FOREIGN KEY(first_signed_by) REFERENCES account (id),
  CONSTRAINT fk_publication_second_signed_by FOREIGN KEY(second_signed_by) REFERENCES account (id),
  CONSTRAINT fk_publication_published_by FOREIGN KEY(published_by) REFERENCES account (id),
  CONSTRAINT fk_publication_retracted_by FOREIGN KEY(retracted_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_publication_wave_id ON publication (wave_id)
;;
CREATE TABLE venue_reply (
  point_id CHAR(32) NOT NULL,
  sent_on DATE NOT NULL,
  due_on DATE NOT NULL,
  received_on DATE,
  stance VARCHAR(24),
  text VARCHAR NOT NULL,
  answer VARCHAR NOT NULL,
  CONSTRAINT pk_venue_reply PRIMARY KEY (point_id),
  CONSTRAINT ck_venue_reply_received CHECK ((received_on IS NULL) = (stance IS NULL)),
  CONSTRAINT ck_venue_reply_deadline CHECK (due_on > sent_on),
  CONSTRAINT fk_venue_reply_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT ck_venue_reply_replystance CHECK (stance IN ('agrees', 'objects', 'wants_retest', 'remarks'))
)
;;
CREATE TABLE venue_revisit (
  point_id CHAR(32) NOT NULL,
  reason VARCHAR NOT NULL,
  ordered_by CHAR(32),
  ordered_at DATETIME NOT NULL,
  waived_because VARCHAR,
  CONSTRAINT pk_venue_revisit PRIMARY KEY (point_id),
  CONSTRAINT ck_venue_revisit_with_reason CHECK (reason <> ''),
  CONSTRAINT fk_venue_revisit_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_venue_revisit_ordered_by FOREIGN KEY(ordered_by) REFERENCES account (id)
)
;;
CREATE TABLE publication_erratum (
  id CHAR(32) NOT NULL,
  publication_id CHAR(32) NOT NULL,
  figure VARCHAR NOT NULL,
  "before" JSON NOT NULL,
  "after" JSON NOT NULL,
  CONSTRAINT pk_publication_erratum PRIMARY KEY (id),
  CONSTRAINT uq_publication_erratum_publication_id_figure UNIQUE (publication_id, figure),
  CONSTRAINT fk_publication_erratum_publication_id FOREIGN KEY(publication_id) REFERENCES publication (id)
)
;;
CREATE INDEX ix_publication_erratum_figure ON publication_erratum (figure)
;;
CREATE TABLE publication_reader (
  id CHAR(32) NOT NULL,
  publication_id CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  reason VARCHAR NOT NULL,
  opens_at DATETIME NOT NULL,
  listed_by CHAR(32),
  listed_at DATETIME NOT NULL,
  CONSTRAINT pk_publication_reader PRIMARY KEY (id),
  CONSTRAINT uq_publication_reader_publication_id_account_id UNIQUE (publication_id, account_id),
  CONSTRAINT fk_publication_reader_publication_id FOREIGN KEY(publication_id) REFERENCES publication (id),
  CONSTRAINT fk_publication_reader_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_publication_reader_listed_by FOREIGN KEY(listed_by) REFERENCES account (id)
)
;;
CREATE TABLE response (
  id CHAR(32) NOT NULL,
  client_uuid CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  instrument_id CHAR(32) NOT NULL,
  point_id CHAR(32),
  surveyor_id CHAR(32),
  invitation_id CHAR(32),
  quota_cell_id CHAR(32),
  mode VARCHAR(24) NOT NULL,
  status VARCHAR(24) NOT NULL,
  reason VARCHAR NOT NULL,
  language VARCHAR NOT NULL,
  started_at DATETIME,
  submitted_at DATETIME NOT NULL,
  duration_seconds FLOAT,
  dropped_answers INTEGER NOT NULL,
  lock_version INTEGER NOT NULL,
  is_demo BOOLEAN NOT NULL,
  withdrawal_sha256 VARCHAR(64),
  withdrawn_at DATETIME,
  given_weight FLOAT,
  CONSTRAINT pk_response PRIMARY KEY (id),
  CONSTRAINT uq_response_client_uuid UNIQUE (client_uuid),
  CONSTRAINT fk_response_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_response_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_response_instrument_id FOREIGN KEY(instrument_id) REFERENCES instrument_version (id),
  CONSTRAINT fk_response_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_response_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES account (id),
  CONSTRAINT uq_response_invitation_id UNIQUE (invitation_id),
  CONSTRAINT fk_response_invitation_id FOREIGN KEY(invitation_id) REFERENCES invitation (id),
  CONSTRAINT fk_response_quota_cell_id FOREIGN KEY(quota_cell_id) REFERENCES quota_cell (id),
  CONSTRAINT ck_response_mode CHECK (mode IN ('self', 'assisted', 'paper', 'import')),
  CONSTRAINT ck_response_status CHECK (status IN ('draft', 'submitted', 'returned', 'city_approved', 'approved', 'frozen', 'screened_out', 'refused', 'quota_full', 'void'))
)
;;
CREATE INDEX ix_response_surveyor_submitted ON response (surveyor_id, submitted_at)
;;
CREATE INDEX ix_response_wave_city_status ON response (wave_id, city_code, status, quota_cell_id, submitted_at)
;;
CREATE INDEX ix_response_withdrawal ON response (withdrawal_sha256) WHERE withdrawal_sha256 IS NOT NULL
;;
CREATE INDEX ix_response_withdrawn ON response (wave_id, city_code) WHERE withdrawn_at IS NOT NULL
;;
CREATE UNIQUE INDEX ux_response_id_wave ON response (id, wave_id)
;;
CREATE TABLE back_check (
  id CHAR(32) NOT NULL,
  draw_id CHAR(32) NOT NULL,
  response_id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  surveyor_id CHAR(32) NOT NULL,
  instrument_id CHAR(32) NOT NULL,
  chosen_by VARCHAR(24) NOT NULL,
  outcome VARCHAR(24),
  channel VARCHAR(24),
  attempts INTEGER NOT NULL,
  revision INTEGER,
  answers JSON NOT NULL,
  note VARCHAR NOT NULL,
  checked_by CHAR(32),
  checked_at DATETIME,
  lock_version INTEGER NOT NULL,
  CONSTRAINT pk_back_check PRIMARY KEY (id),
  CONSTRAINT ck_back_check_attempts CHECK (attempts >= 0),
  CONSTRAINT fk_back_check_draw_id FOREIGN KEY(draw_id) REFERENCES back_check_draw (id),
  CONSTRAINT uq_back_check_response_id UNIQUE (response_id),
  CONSTRAINT fk_back_check_response_id FOREIGN KEY(response_id) REFERENCES response (id),
  CONSTRAINT fk_back_check_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_back_check_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_back_check_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES account (id),
  CONSTRAINT fk_back_check_instrument_id FOREIGN KEY(instrument_id) REFERENCES instrument_version (id),
  CONSTRAINT ck_back_check_chosenby CHECK (chosen_by IN ('random', 'risk')),
  CONSTRAINT ck_back_check_outcome CHECK (outcome IN ('reached', 'not_reached', 'refused', 'never_interviewed')),
  CONSTRAINT ck_back_check_channel CHECK (channel IN ('phone', 'on_site')),
  CONSTRAINT fk_back_check_checked_by FOREIGN KEY(checked_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_back_check_surveyor_id ON back_check (surveyor_id)
;;
CREATE INDEX ix_back_check_wave_city ON back_check (wave_id, city_code)
;;
CREATE TABLE paper_sheet (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  serial VARCHAR(20) NOT NULL,
  keyed_twice BOOLEAN NOT NULL,
  state VARCHAR(24) NOT NULL,
  response_id CHAR(32),
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_paper_sheet PRIMARY KEY (id),
  CONSTRAINT uq_paper_sheet_wave_id_serial UNIQUE (wave_id, serial),
  CONSTRAINT ck_paper_sheet_settled CHECK ((state = 'settled') = (response_id IS NOT NULL)),
  CONSTRAINT fk_paper_sheet_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_paper_sheet_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT ck_paper_sheet_sheetstate CHECK (state IN ('second', 'verdict', 'settled')),
  CONSTRAINT uq_paper_sheet_response_id UNIQUE (response_id),
  CONSTRAINT fk_paper_sheet_response_id FOREIGN KEY(response_id) REFERENCES response (id)
)
;;
CREATE INDEX ix_paper_sheet_city_code ON paper_sheet (city_code)
;;
CREATE TABLE parked_interview (
  id CHAR(32) NOT NULL,
  client_uuid CHAR(32) NOT NULL,
  invitation_id CHAR(32),
  wave_id CHAR(32) NOT NULL,
  city_code VARCHAR NOT NULL,
  point_id CHAR(32),
  surveyor_id CHAR(32),
  mode VARCHAR(24) NOT NULL,
  why VARCHAR(24) NOT NULL,
  instrument_id CHAR(32) NOT NULL,
  language VARCHAR NOT NULL,
  started_at DATETIME,
  duration_seconds FLOAT,
  stopped BOOLEAN NOT NULL,
  answers JSON NOT NULL,
  timings JSON NOT NULL,
  withdrawal_sha256 VARCHAR(64),
  parked_at DATETIME NOT NULL,
  decision VARCHAR(24),
  decided_by CHAR(32),
  decided_at DATETIME,
  response_id CHAR(32),
  CONSTRAINT pk_parked_interview PRIMARY KEY (id),
  CONSTRAINT ck_parked_interview_decided CHECK ((decision IS NULL) = (decided_at IS NULL)),
  CONSTRAINT ck_parked_interview_accepted CHECK (response_id IS NULL OR decision = 'accepted'),
  CONSTRAINT uq_parked_interview_client_uuid UNIQUE (client_uuid),
  CONSTRAINT uq_parked_interview_invitation_id UNIQUE (invitation_id),
  CONSTRAINT fk_parked_interview_invitation_id FOREIGN KEY(invitation_id) REFERENCES invitation (id),
  CONSTRAINT fk_parked_interview_wave_id FOREIGN KEY(wave_id) REFERENCES wave (id),
  CONSTRAINT fk_parked_interview_city_code FOREIGN KEY(city_code) REFERENCES city (code),
  CONSTRAINT fk_parked_interview_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_parked_interview_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES account (id),
  CONSTRAINT ck_parked_interview_mode CHECK (mode IN ('self', 'assisted', 'paper', 'import')),
  CONSTRAINT ck_parked_interview_parkingreason CHECK (why IN ('link_expired', 'link_voided', 'wave_closed', 'instrument_replaced', 'point_reassigned')),
  CONSTRAINT fk_parked_interview_instrument_id FOREIGN KEY(instrument_id) REFERENCES instrument_version (id),
  CONSTRAINT ck_parked_interview_parkingdecision CHECK (decision IN ('accepted', 'discarded', 'withdrawn')),
  CONSTRAINT fk_parked_interview_decided_by FOREIGN KEY(decided_by) REFERENCES account (id),
  CONSTRAINT uq_parked_interview_response_id UNIQUE (response_id),
  CONSTRAINT fk_parked_interview_response_id FOREIGN KEY(response_id) REFERENCES response (id)
)
;;
CREATE INDEX ix_parked_interview_parked_at ON parked_interview (parked_at)
;;
CREATE INDEX ix_parked_interview_waiting ON parked_interview (city_code, parked_at) WHERE decision IS NULL
;;
CREATE INDEX ix_parked_interview_wave_id ON parked_interview (wave_id)
;;
CREATE INDEX ix_parked_interview_withdrawal_sha256 ON parked_interview (withdrawal_sha256)
;;
CREATE TABLE photo (
  id CHAR(32) NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  sent_sha256 VARCHAR(64) NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  point_id CHAR(32),
  response_id CHAR(32),
  sent_by CHAR(32),
  received_at DATETIME NOT NULL,
  is_demo BOOLEAN NOT NULL,
  latitude FLOAT,
  longitude FLOAT,
  taken_at VARCHAR NOT NULL,
  CONSTRAINT pk_photo PRIMARY KEY (id),
  CONSTRAINT ck_photo_size CHECK (bytes > 0 AND width > 0 AND height > 0),
  CONSTRAINT fk_photo_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_photo_response_id FOREIGN KEY(response_id) REFERENCES response (id),
  CONSTRAINT fk_photo_sent_by FOREIGN KEY(sent_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_photo_response_id ON photo (response_id)
;;
CREATE INDEX ix_photo_sha256 ON photo (sha256)
;;
CREATE TABLE response_contact (
  response_id CHAR(32) NOT NULL,
  sealed VARCHAR(400) NOT NULL,
  left_at DATETIME NOT NULL,
  CONSTRAINT pk_response_contact PRIMARY KEY (response_id),
  CONSTRAINT fk_response_contact_response_id FOREIGN KEY(response_id) REFERENCES response (id)
)
;;
CREATE INDEX ix_response_contact_left_at ON response_contact (left_at)
;;
CREATE TABLE response_flag (
  id CHAR(32) NOT NULL,
  response_id CHAR(32) NOT NULL,
  kind VARCHAR(24) NOT NULL,
  strength FLOAT NOT NULL,
  detail JSON NOT NULL,
  detected_at DATETIME NOT NULL,
  detector_version VARCHAR(24) NOT NULL,
  CONSTRAINT pk_response_flag PRIMARY KEY (id),
  CONSTRAINT uq_response_flag_response_id_kind UNIQUE (response_id, kind),
  CONSTRAINT ck_response_flag_strength CHECK (strength > 0 AND strength <= 1),
  CONSTRAINT fk_response_flag_response_id FOREIGN KEY(response_id) REFERENCES response (id)
)
;;
CREATE TABLE response_revision (
  id CHAR(32) NOT NULL,
  wave_id CHAR(32) NOT NULL,
  response_id CHAR(32) NOT NULL,
  number INTEGER NOT NULL,
  is_current BOOLEAN NOT NULL,
  answers JSON NOT NULL,
  timings JSON NOT NULL,
  author_id CHAR(32),
  reason VARCHAR NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_response_revision PRIMARY KEY (id, wave_id),
  CONSTRAINT fk_response_revision_response_id_wave_id FOREIGN KEY(response_id, wave_id) REFERENCES response (id, wave_id),
  CONSTRAINT uq_response_revision_response_id_number_wave_id UNIQUE (response_id, number, wave_id),
  CONSTRAINT fk_response_revision_author_id FOREIGN KEY(author_id) REFERENCES account (id)
)
;;
CREATE UNIQUE INDEX ux_response_revision_current ON response_revision (response_id, wave_id) WHERE is_current
;;
CREATE TABLE response_risk (
  response_id CHAR(32) NOT NULL,
  score INTEGER NOT NULL,
  pace FLOAT,
  mean_score FLOAT,
  detected_at DATETIME NOT NULL,
  detector_version VARCHAR(24) NOT NULL,
  CONSTRAINT pk_response_risk PRIMARY KEY (response_id),
  CONSTRAINT ck_response_risk_score CHECK (score >= 0 AND score <= 100),
  CONSTRAINT fk_response_risk_response_id FOREIGN KEY(response_id) REFERENCES response (id)
)
;;
CREATE TABLE venue_visit (
  response_id CHAR(32) NOT NULL,
  point_id CHAR(32) NOT NULL,
  observer_id CHAR(32) NOT NULL,
  round INTEGER NOT NULL,
  CONSTRAINT pk_venue_visit PRIMARY KEY (response_id),
  CONSTRAINT uq_venue_visit_point_id_observer_id_round UNIQUE (point_id, observer_id, round),
  CONSTRAINT ck_venue_visit_round CHECK (round IN (1, 2)),
  CONSTRAINT fk_venue_visit_response_id FOREIGN KEY(response_id) REFERENCES response (id),
  CONSTRAINT fk_venue_visit_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_venue_visit_observer_id FOREIGN KEY(observer_id) REFERENCES account (id)
)
;;
CREATE TABLE education_activity (
  id CHAR(32) NOT NULL,
  area VARCHAR(6) NOT NULL,
  held_on DATE NOT NULL,
  title VARCHAR NOT NULL,
  place VARCHAR NOT NULL,
  form VARCHAR(24) NOT NULL,
  audience VARCHAR(24) NOT NULL,
  participants INTEGER NOT NULL,
  cost_fen BIGINT NOT NULL,
  photo_id CHAR(32),
  is_demo BOOLEAN NOT NULL,
  entered_by CHAR(32),
  entered_at DATETIME NOT NULL,
  taken_out_at DATETIME,
  reason VARCHAR NOT NULL,
  CONSTRAINT pk_education_activity PRIMARY KEY (id),
  CONSTRAINT ck_education_activity_counts CHECK (participants > 0 AND cost_fen >= 0),
  CONSTRAINT ck_education_activity_with_reason CHECK (taken_out_at IS NULL OR reason <> ''),
  CONSTRAINT fk_education_activity_photo_id FOREIGN KEY(photo_id) REFERENCES photo (id),
  CONSTRAINT fk_education_activity_entered_by FOREIGN KEY(entered_by) REFERENCES account (id)
)
;;
CREATE INDEX ix_education_activity_held_on ON education_activity (held_on)
;;
CREATE INDEX ix_education_activity_photo_id ON education_activity (photo_id)
;;
CREATE TABLE paper_keying (
  id CHAR(32) NOT NULL,
  sheet_id CHAR(32) NOT NULL,
  number INTEGER NOT NULL,
  client_uuid CHAR(32) NOT NULL,
  account_id CHAR(32) NOT NULL,
  point_id CHAR(32) NOT NULL,
  surveyor_id CHAR(32) NOT NULL,
  interview_on DATE NOT NULL,
  answers JSON NOT NULL,
  seconds FLOAT,
  strokes INTEGER,
  fields INTEGER,
  errors INTEGER,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_paper_keying PRIMARY KEY (id),
  CONSTRAINT uq_paper_keying_sheet_id_number UNIQUE (sheet_id, number),
  CONSTRAINT uq_paper_keying_sheet_id_account_id UNIQUE (sheet_id, account_id),
  CONSTRAINT ck_paper_keying_number CHECK (number >= 1 AND number <= 3),
  CONSTRAINT ck_paper_keying_errors CHECK (errors >= 0 AND errors <= fields),
  CONSTRAINT fk_paper_keying_sheet_id FOREIGN KEY(sheet_id) REFERENCES paper_sheet (id),
  CONSTRAINT uq_paper_keying_client_uuid UNIQUE (client_uuid),
  CONSTRAINT fk_paper_keying_account_id FOREIGN KEY(account_id) REFERENCES account (id),
  CONSTRAINT fk_paper_keying_point_id FOREIGN KEY(point_id) REFERENCES sampling_point (id),
  CONSTRAINT fk_paper_keying_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES account (id)
)
;;
CREATE INDEX ix_paper_keying_account_id ON paper_keying (account_id)
;;
CREATE TRIGGER tr_response_move BEFORE UPDATE OF status ON response WHEN OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ('draft>submitted', 'draft>screened_out', 'draft>refused', 'draft>quota_full', 'submitted>returned', 'submitted>city_approved', 'submitted>void', 'returned>submitted', 'returned>city_approved', 'returned>approved', 'returned>void', 'city_approved>submitted', 'city_approved>returned', 'city_approved>approved', 'city_approved>void', 'approved>city_approved', 'approved>returned', 'approved>frozen', 'approved>void', 'void>submitted', 'void>returned', 'void>city_approved', 'void>approved')
BEGIN SELECT RAISE(ABORT, 'this change of status is not allowed'); END
;;
CREATE TRIGGER tr_response_computed BEFORE UPDATE OF status ON response WHEN OLD.status <> NEW.status AND (SELECT state FROM wave WHERE id = NEW.wave_id) IN ('frozen', 'released')
BEGIN SELECT RAISE(ABORT, 'the figures of the wave are computed'); END
;;
CREATE TRIGGER tr_response_withdrawn BEFORE UPDATE OF status, withdrawn_at ON response WHEN OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_at IS NULL OR NEW.status <> OLD.status)
BEGIN SELECT RAISE(ABORT, 'a withdrawn interview stays withdrawn'); END
;;
CREATE TRIGGER tr_response_given_weight BEFORE UPDATE OF given_weight ON response WHEN NEW.given_weight IS NOT OLD.given_weight AND NOT (NEW.given_weight IS NULL AND NEW.withdrawn_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the weight of a stored interview is neither changed nor removed'); END
;;
CREATE TRIGGER tr_response_revision_update BEFORE UPDATE ON response_revision WHEN NOT (coalesce(CAST(NEW.id AS TEXT), '') = coalesce(CAST(OLD.id AS TEXT), '') AND coalesce(CAST(NEW.wave_id AS TEXT), '') = coalesce(CAST(OLD.wave_id AS TEXT), '') AND coalesce(CAST(NEW.response_id AS TEXT), '') = coalesce(CAST(OLD.response_id AS TEXT), '') AND coalesce(CAST(NEW.number AS TEXT), '') = coalesce(CAST(OLD.number AS TEXT), '') AND coalesce(CAST(NEW.author_id AS TEXT), '') = coalesce(CAST(OLD.author_id AS TEXT), '') AND coalesce(CAST(NEW.created_at AS TEXT), '') = coalesce(CAST(OLD.created_at AS TEXT), '')) OR (NEW.is_current AND NOT OLD.is_current) OR NOT ((coalesce(CAST(NEW.answers AS TEXT), '') = coalesce(CAST(OLD.answers AS TEXT), '') AND coalesce(CAST(NEW.timings AS TEXT), '') = coalesce(CAST(OLD.timings AS TEXT), '') AND coalesce(CAST(NEW.reason AS TEXT), '') = coalesce(CAST(OLD.reason AS TEXT), '')) OR (CAST(NEW.answers AS TEXT) = '{}' AND CAST(NEW.timings AS TEXT) = '{}' AND NEW.reason = '' AND EXISTS (SELECT 1 FROM response WHERE id = OLD.response_id AND withdrawn_at IS NOT NULL)))
BEGIN SELECT RAISE(ABORT, 'stored answers are neither changed nor removed'); END
;;
CREATE TRIGGER tr_response_revision_delete BEFORE DELETE ON response_revision WHEN NOT EXISTS (SELECT 1 FROM answer_archive WHERE wave_id = OLD.wave_id AND restored_at IS NULL) AND (EXISTS (SELECT 1 FROM audit_entry WHERE subject_id = substr(OLD.response_id, 1, 8) || '-' || substr(OLD.response_id, 9, 4) || '-' || substr(OLD.response_id, 13, 4) || '-' || substr(OLD.response_id, 17, 4) || '-' || substr(OLD.response_id, 21)) OR EXISTS (SELECT 1 FROM audit_entry WHERE action = 'responses.sealed' AND subject_id = substr(OLD.wave_id, 1, 8) || '-' || substr(OLD.wave_id, 9, 4) || '-' || substr(OLD.wave_id, 13, 4) || '-' || substr(OLD.wave_id, 17, 4) || '-' || substr(OLD.wave_id, 21) AND CAST(detail AS TEXT) LIKE '%' || OLD.response_id || '%'))
BEGIN SELECT RAISE(ABORT, 'stored answers are neither changed nor removed'); END
;;
CREATE TRIGGER tr_wave_move BEFORE UPDATE OF state ON wave WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ('planned>open', 'planned>closed', 'open>closed', 'closed>open', 'closed>frozen', 'frozen>released', 'released>frozen')
BEGIN SELECT RAISE(ABORT, 'this change of state is not allowed'); END
;;
CREATE TRIGGER tr_wave_fixed BEFORE UPDATE OF key, series, instrument_id, tree_id, composite ON wave WHEN NEW.key <> OLD.key OR (OLD.state <> 'planned' AND (NEW.series <> OLD.series OR NEW.instrument_id <> OLD.instrument_id OR NEW.composite <> OLD.composite OR coalesce(CAST(NEW.tree_id AS TEXT), '') <> coalesce(CAST(OLD.tree_id AS TEXT), '')))
BEGIN SELECT RAISE(ABORT, 'questionnaire and indicator tree are fixed once a wave is open'); END
;;
CREATE TRIGGER tr_quota_margin_insert BEFORE INSERT ON quota_margin WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_quota_margin_update BEFORE UPDATE OF wave_id, city_code, dimension, category, target, stops ON quota_margin WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_quota_margin_delete BEFORE DELETE ON quota_margin WHEN (SELECT state FROM wave WHERE id = OLD.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_city_target_insert BEFORE INSERT ON city_target WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_city_target_update BEFORE UPDATE ON city_target WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_city_target_delete BEFORE DELETE ON city_target WHEN (SELECT state FROM wave WHERE id = OLD.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_wave_plan_insert BEFORE INSERT ON wave_plan WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_wave_plan_update BEFORE UPDATE ON wave_plan WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_wave_plan_delete BEFORE DELETE ON wave_plan WHEN (SELECT state FROM wave WHERE id = OLD.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_left_out_city_insert BEFORE INSERT ON left_out_city WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) IN ('frozen', 'released')
BEGIN SELECT RAISE(ABORT, 'which cities are left out is final once a wave is frozen'); END
;;
CREATE TRIGGER tr_left_out_city_update BEFORE UPDATE ON left_out_city WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) IN ('frozen', 'released')
BEGIN SELECT RAISE(ABORT, 'which cities are left out is final once a wave is frozen'); END
;;
CREATE TRIGGER tr_left_out_city_delete BEFORE DELETE ON left_out_city WHEN (SELECT state FROM wave WHERE id = OLD.wave_id) IN ('frozen', 'released')
BEGIN SELECT RAISE(ABORT, 'which cities are left out is final once a wave is frozen'); END
;;
CREATE TRIGGER tr_wave_plan_factors BEFORE UPDATE OF elderly_factor, guardian_factor ON wave_plan WHEN (NEW.elderly_factor <> OLD.elderly_factor OR NEW.guardian_factor <> OLD.guardian_factor) AND (SELECT state FROM wave WHERE id = NEW.wave_id) <> 'planned'
BEGIN SELECT RAISE(ABORT, 'oversampling is fixed once a wave is open'); END
;;
CREATE TRIGGER tr_quota_margin_lowered BEFORE UPDATE OF target ON quota_margin WHEN NEW.stops AND NEW.target < OLD.target AND NEW.target < OLD.collected
BEGIN SELECT RAISE(ABORT, 'a target cannot be lowered below what was collected'); END
;;
CREATE TRIGGER tr_quota_cell_insert BEFORE INSERT ON quota_cell WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_quota_cell_target BEFORE UPDATE OF target ON quota_cell WHEN NEW.target <> OLD.target AND (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_quota_cell_stops BEFORE UPDATE OF stops ON quota_cell WHEN NEW.stops <> OLD.stops AND (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_quota_cell_lowered BEFORE UPDATE OF target ON quota_cell WHEN NEW.target < OLD.target AND NEW.target < OLD.collected
BEGIN SELECT RAISE(ABORT, 'a target cannot be lowered below what was collected'); END
;;
CREATE TRIGGER tr_quota_cell_delete BEFORE DELETE ON quota_cell WHEN OLD.collected > 0 OR (SELECT state FROM wave WHERE id = OLD.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_city_target_lowered BEFORE UPDATE OF target ON city_target WHEN NEW.target < OLD.target AND NEW.target < (SELECT coalesce(sum(collected), 0) FROM quota_cell WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code)
BEGIN SELECT RAISE(ABORT, 'a target cannot be lowered below what was collected'); END
;;
CREATE TRIGGER tr_sampling_point_insert BEFORE INSERT ON sampling_point WHEN (SELECT state FROM wave WHERE id = NEW.wave_id) IN ('frozen', 'released')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_sampling_point_target BEFORE UPDATE OF target ON sampling_point WHEN NEW.target <> OLD.target AND (SELECT state FROM wave WHERE id = NEW.wave_id) NOT IN ('planned', 'open')
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_sampling_point_lowered BEFORE UPDATE OF target ON sampling_point WHEN NEW.target < OLD.target AND NEW.target < (SELECT count(*) FROM response WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code AND point_id = NEW.id AND status IN ('submitted', 'returned', 'city_approved', 'approved', 'frozen'))
BEGIN SELECT RAISE(ABORT, 'a target cannot be lowered below what was collected'); END
;;
CREATE TRIGGER tr_sampling_point_delete BEFORE DELETE ON sampling_point WHEN (SELECT state FROM wave WHERE id = OLD.wave_id) <> 'planned'
BEGIN SELECT RAISE(ABORT, 'the state of the wave does not allow this change of its plan'); END
;;
CREATE TRIGGER tr_audit_entry_update BEFORE UPDATE ON audit_entry WHEN NOT (OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND coalesce(CAST(NEW.id AS TEXT), '') = coalesce(CAST(OLD.id AS TEXT), '') AND coalesce(CAST(NEW.at AS TEXT), '') = coalesce(CAST(OLD.at AS TEXT), '') AND coalesce(CAST(NEW.actor_id AS TEXT), '') = coalesce(CAST(OLD.actor_id AS TEXT), '') AND coalesce(CAST(NEW.action AS TEXT), '') = coalesce(CAST(OLD.action AS TEXT), '') AND coalesce(CAST(NEW.subject_kind AS TEXT), '') = coalesce(CAST(OLD.subject_kind AS TEXT), '') AND coalesce(CAST(NEW.subject_id AS TEXT), '') = coalesce(CAST(OLD.subject_id AS TEXT), '') AND coalesce(CAST(NEW.detail AS TEXT), '') = coalesce(CAST(OLD.detail AS TEXT), ''))
BEGIN SELECT RAISE(ABORT, 'entries of the audit trail are neither changed nor removed'); END
;;
CREATE TRIGGER tr_audit_entry_delete BEFORE DELETE ON audit_entry WHEN OLD.sequence IS NULL OR OLD.sequence > coalesce((SELECT base_sequence FROM audit_head WHERE id = 1), 0)
BEGIN SELECT RAISE(ABORT, 'entries of the audit trail are neither changed nor removed'); END
;;
CREATE TRIGGER tr_audit_head_update BEFORE UPDATE ON audit_head WHEN NEW.sequence < OLD.sequence OR NEW.base_sequence < OLD.base_sequence OR (NEW.base_sequence > OLD.base_sequence AND NEW.base_hash <> coalesce((SELECT hash FROM audit_entry WHERE sequence = NEW.base_sequence), ''))
BEGIN SELECT RAISE(ABORT, 'the head of the audit trail only moves forward'); END
;;
CREATE TRIGGER tr_audit_head_delete BEFORE DELETE ON audit_head WHEN 1 = 1
BEGIN SELECT RAISE(ABORT, 'the head of the audit trail only moves forward'); END
;;
CREATE TRIGGER tr_audit_member_update BEFORE update ON audit_member
BEGIN SELECT RAISE(ABORT, 'members of audit entries are only added'); END
;;
CREATE TRIGGER tr_audit_member_delete BEFORE delete ON audit_member
BEGIN SELECT RAISE(ABORT, 'members of audit entries are only added'); END
