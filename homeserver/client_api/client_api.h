#ifndef HOMESERVER_CLIENT_API_CLIENT_API_H
#define HOMESERVER_CLIENT_API_CLIENT_API_H

#include "homeserver/base/error.h"

struct request;

/*
 * Every handler of the client-server API, grouped by file; a file is named like the one that
 * describes it in the specification (data/api/client-server/). A handler's name is `client_` and
 * the operationId.
 */

/* account_data.c */
enum errcode client_delete_account_data(struct request *req);
enum errcode client_delete_account_data_per_room(struct request *req);
enum errcode client_get_account_data(struct request *req);
enum errcode client_get_account_data_per_room(struct request *req);
enum errcode client_set_account_data(struct request *req);
enum errcode client_set_account_data_per_room(struct request *req);

/* account_deactivation.c */
enum errcode client_deactivate_account(struct request *req);

/* admin.c */
enum errcode client_get_admin_lock_user(struct request *req);
enum errcode client_get_admin_suspend_user(struct request *req);
enum errcode client_get_who_is(struct request *req);
enum errcode client_set_admin_lock_user(struct request *req);
enum errcode client_set_admin_suspend_user(struct request *req);

/* administrative_contact.c */
enum errcode client_add3_pid(struct request *req);
enum errcode client_bind3_pid(struct request *req);
enum errcode client_delete3pid_from_account(struct request *req);
enum errcode client_get_account3_pids(struct request *req);
enum errcode client_post3_pids(struct request *req);
enum errcode client_request_token_to3_pid_email(struct request *req);
enum errcode client_request_token_to3_pid_msisdn(struct request *req);
enum errcode client_unbind3pid_from_account(struct request *req);

/* authed_content_repo.c */
enum errcode client_get_config_authed(struct request *req);
enum errcode client_get_content_authed(struct request *req);
enum errcode client_get_content_override_name_authed(struct request *req);
enum errcode client_get_content_thumbnail_authed(struct request *req);
enum errcode client_get_url_preview_authed(struct request *req);

/* banning.c */
enum errcode client_ban(struct request *req);
enum errcode client_unban(struct request *req);

/* capabilities.c */
enum errcode client_get_capabilities(struct request *req);

/* content_repo.c */
enum errcode client_create_content(struct request *req);
enum errcode client_get_config(struct request *req);
enum errcode client_get_content(struct request *req);
enum errcode client_get_content_override_name(struct request *req);
enum errcode client_get_content_thumbnail(struct request *req);
enum errcode client_get_url_preview(struct request *req);
enum errcode client_upload_content(struct request *req);
enum errcode client_upload_content_to_mxc(struct request *req);

/* content_scanner.c */
enum errcode client_download_encrypted(struct request *req);
enum errcode client_download_scanned(struct request *req);
enum errcode client_get_scanner_key(struct request *req);
enum errcode client_scan_encrypted(struct request *req);
enum errcode client_scan_media(struct request *req);
enum errcode client_thumbnail_scanned(struct request *req);

/* create_room.c */
enum errcode client_create_room(struct request *req);

/* cross_signing.c */
enum errcode client_upload_cross_signing_keys(struct request *req);
enum errcode client_upload_cross_signing_signatures(struct request *req);

/* device_management.c */
enum errcode client_delete_device(struct request *req);
enum errcode client_delete_devices(struct request *req);
enum errcode client_get_device(struct request *req);
enum errcode client_get_devices(struct request *req);
enum errcode client_update_device(struct request *req);

/* event_context.c */
enum errcode client_get_event_context(struct request *req);

/* filter.c */
enum errcode client_define_filter(struct request *req);
enum errcode client_get_filter(struct request *req);

/* directory.c */
enum errcode client_delete_room_alias(struct request *req);
enum errcode client_get_local_aliases(struct request *req);
enum errcode client_get_room_id_by_alias(struct request *req);
enum errcode client_set_room_alias(struct request *req);

/* event_context.c */
enum errcode client_get_event_context(struct request *req);

/* inviting.c */
enum errcode client_invite_user(struct request *req);

/* joining.c */
enum errcode client_join_room(struct request *req);
enum errcode client_join_room_by_id(struct request *req);

/* key_backup.c */
enum errcode client_delete_room_key_by_session_id(struct request *req);
enum errcode client_delete_room_keys(struct request *req);
enum errcode client_delete_room_keys_by_room_id(struct request *req);
enum errcode client_delete_room_keys_version(struct request *req);
enum errcode client_get_room_key_by_session_id(struct request *req);
enum errcode client_get_room_keys(struct request *req);
enum errcode client_get_room_keys_by_room_id(struct request *req);
enum errcode client_get_room_keys_version(struct request *req);
enum errcode client_get_room_keys_version_current(struct request *req);
enum errcode client_post_room_keys_version(struct request *req);
enum errcode client_put_room_key_by_session_id(struct request *req);
enum errcode client_put_room_keys(struct request *req);
enum errcode client_put_room_keys_by_room_id(struct request *req);
enum errcode client_put_room_keys_version(struct request *req);

/* keys.c */
enum errcode client_claim_keys(struct request *req);
enum errcode client_get_keys_changes(struct request *req);
enum errcode client_query_keys(struct request *req);
enum errcode client_upload_keys(struct request *req);

/* kicking.c */
enum errcode client_kick(struct request *req);

/* knocking.c */
enum errcode client_knock_room(struct request *req);

/* leaving.c */
enum errcode client_forget_room(struct request *req);
enum errcode client_leave_room(struct request *req);

/* list_joined_rooms.c */
enum errcode client_get_joined_rooms(struct request *req);

/* login.c */
enum errcode client_get_login_flows(struct request *req);
enum errcode client_login(struct request *req);

/* login_token.c */
enum errcode client_generate_login_token(struct request *req);

/* logout.c */
enum errcode client_logout(struct request *req);
enum errcode client_logout_all(struct request *req);

/* message_pagination.c */
enum errcode client_get_room_events(struct request *req);

/* oauth_server_metadata.c */
enum errcode client_get_auth_metadata(struct request *req);

/* policy_server.c */
enum errcode client_get_wellknown_policy(struct request *req);

/* notifications.c */
enum errcode client_get_notifications(struct request *req);

/* openid.c */
enum errcode client_request_open_id_token(struct request *req);

/* password_management.c */
enum errcode client_change_password(struct request *req);
enum errcode client_request_token_to_reset_password_email(struct request *req);
enum errcode client_request_token_to_reset_password_msisdn(struct request *req);

/* presence.c */
enum errcode client_get_presence(struct request *req);
enum errcode client_set_presence(struct request *req);

/* profile.c */
enum errcode client_delete_profile_field(struct request *req);
enum errcode client_get_profile_field(struct request *req);
enum errcode client_get_user_profile(struct request *req);
enum errcode client_set_profile_field(struct request *req);

/* pusher.c */
enum errcode client_get_pushers(struct request *req);
enum errcode client_post_pusher(struct request *req);

/* pushrules.c */
enum errcode client_delete_push_rule(struct request *req);
enum errcode client_get_push_rule(struct request *req);
enum errcode client_get_push_rule_actions(struct request *req);
enum errcode client_get_push_rules(struct request *req);
enum errcode client_get_push_rules_global(struct request *req);
enum errcode client_is_push_rule_enabled(struct request *req);
enum errcode client_set_push_rule(struct request *req);
enum errcode client_set_push_rule_actions(struct request *req);
enum errcode client_set_push_rule_enabled(struct request *req);

/* read_markers.c */
enum errcode client_set_read_marker(struct request *req);

/* receipts.c */
enum errcode client_post_receipt(struct request *req);

/* list_public_rooms.c */
enum errcode client_update_appservice_room_directory_visibility(struct request *req);
enum errcode client_get_public_rooms(struct request *req);
enum errcode client_get_room_visibility_on_directory(struct request *req);
enum errcode client_query_public_rooms(struct request *req);
enum errcode client_set_room_visibility_on_directory(struct request *req);

/* msc4140_delayed_events.c */
enum errcode client_get_delayed_event(struct request *req);
enum errcode client_get_delayed_events(struct request *req);
enum errcode client_update_delayed_event(struct request *req);
enum errcode client_update_delayed_event_by_body(struct request *req);

/* msc4143_rtc_transports.c */
enum errcode client_get_rtc_transports(struct request *req);

/* msc4186_sliding_sync.c */
enum errcode client_sliding_sync(struct request *req);

/* msc4306_thread_subscriptions.c */
enum errcode client_get_thread_subscription(struct request *req);
enum errcode client_get_thread_subscriptions(struct request *req);
enum errcode client_subscribe_to_thread(struct request *req);
enum errcode client_unsubscribe_from_thread(struct request *req);

/* mutual_rooms.c */
enum errcode client_get_mutual_rooms(struct request *req);
enum errcode client_get_mutual_rooms_unstable(struct request *req);

/* room_summary.c */
enum errcode client_get_room_summary(struct request *req);
enum errcode client_get_room_summary_unstable(struct request *req);

/* space_hierarchy.c */
enum errcode client_get_space_hierarchy(struct request *req);

/* redaction.c */
enum errcode client_redact_event(struct request *req);

/* refresh.c */
enum errcode client_refresh(struct request *req);

/* registration.c */
enum errcode client_check_username_availability(struct request *req);
enum errcode client_register(struct request *req);
enum errcode client_request_token_to_register_email(struct request *req);
enum errcode client_request_token_to_register_msisdn(struct request *req);

/* registration_tokens.c */
enum errcode client_registration_token_validity(struct request *req);

/* room_event_by_timestamp.c */
enum errcode client_get_event_by_timestamp(struct request *req);

/* room_send.c */
enum errcode client_send_message(struct request *req);

/* room_state.c */
enum errcode client_set_room_state(struct request *req);
enum errcode client_set_room_state_with_key(struct request *req);

/* rooms.c */
enum errcode client_get_joined_members_by_room(struct request *req);
enum errcode client_get_members_by_room(struct request *req);
enum errcode client_get_one_room_event(struct request *req);
enum errcode client_get_room_state(struct request *req);
enum errcode client_get_room_state_with_key(struct request *req);
enum errcode client_get_room_state_without_key(struct request *req);

/* shared_secret_registration.c */
enum errcode client_get_registration_nonce(struct request *req);
enum errcode client_register_with_shared_secret(struct request *req);

/* support.c */
enum errcode client_get_wellknown_support(struct request *req);

/* sync.c */
enum errcode client_sync(struct request *req);

/* tags.c */
enum errcode client_delete_room_tag(struct request *req);
enum errcode client_get_room_tags(struct request *req);
enum errcode client_set_room_tag(struct request *req);

/* to_device.c */
enum errcode client_send_to_device(struct request *req);

/* typing.c */
enum errcode client_set_typing(struct request *req);

/* versions.c */
enum errcode client_get_versions(struct request *req);

/* wellknown.c */
enum errcode client_get_wellknown(struct request *req);

/* whoami.c */
enum errcode client_get_token_owner(struct request *req);

/* room_upgrades.c */
enum errcode client_upgrade_room(struct request *req);

/* relations.c */
enum errcode client_get_relating_events(struct request *req);
enum errcode client_get_relating_events_with_rel_type(struct request *req);
enum errcode client_get_relating_events_with_rel_type_and_event_type(struct request *req);

/* threads_list.c */
enum errcode client_get_thread_roots(struct request *req);

/* report_content.c */
enum errcode client_report_event(struct request *req);
enum errcode client_report_room(struct request *req);
enum errcode client_report_user(struct request *req);

/* third_party_lookup.c */
enum errcode client_get_protocol_metadata(struct request *req);
enum errcode client_ping_appservice(struct request *req);
enum errcode client_get_protocols(struct request *req);
enum errcode client_query_location_by_alias(struct request *req);
enum errcode client_query_location_by_protocol(struct request *req);
enum errcode client_query_user_by_id(struct request *req);
enum errcode client_query_user_by_protocol(struct request *req);

/* users.c */
enum errcode client_search_user_directory(struct request *req);

/* msc3814_dehydrated_devices.c */
enum errcode client_put_dehydrated_device(struct request *req);
enum errcode client_get_dehydrated_device(struct request *req);
enum errcode client_delete_dehydrated_device(struct request *req);
enum errcode client_get_dehydrated_device_events(struct request *req);
enum errcode client_post_dehydrated_device_events(struct request *req);

/* msc4108_rendezvous.c */
enum errcode client_create_rendezvous_session(struct request *req);
enum errcode client_get_rendezvous_session(struct request *req);
enum errcode client_update_rendezvous_session(struct request *req);
enum errcode client_delete_rendezvous_session(struct request *req);

/* voip.c */
enum errcode client_get_turn_server(struct request *req);

/* search.c */
enum errcode client_search(struct request *req);

/* old_sync.c */
enum errcode client_get_events(struct request *req);
enum errcode client_get_one_event(struct request *req);
enum errcode client_initial_sync(struct request *req);

/* peeking_events.c */
enum errcode client_peek_events(struct request *req);

/* room_initial_sync.c */
enum errcode client_room_initial_sync(struct request *req);

#endif
