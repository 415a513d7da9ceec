#ifndef HOMESERVER_PROTOCOL_EDU_H
#define HOMESERVER_PROTOCOL_EDU_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * Ephemeral data units: what servers tell each other beside events. Parsing checks shapes and that
 * every user belongs to the server that sent the EDU; all else (is the user in the room?) is for
 * the receiver. One malformed entry of a list is left out, a malformed EDU is M_BAD_JSON. Texts are
 * borrowed from the JSON, arrays are on the arena. Spec: server-server API, "EDUs" and the modules
 * that define one.
 */
enum edu_type {
    EDU_UNKNOWN, /* to be ignored */
    EDU_TYPING,
    EDU_PRESENCE,
    EDU_RECEIPT,
    EDU_DIRECT_TO_DEVICE,
    EDU_DEVICE_LIST_UPDATE,
    EDU_SIGNING_KEY_UPDATE,
};

struct edu_source {
    const char *origin; /* the server that signed the transaction */
    struct error *error;
};

/* The type and the content of an element of `edus`; M_BAD_JSON when it is no EDU. */
enum errcode edu_parse(const json_t *json, struct error *error, enum edu_type *type_out,
                       json_t **content_out) MUST_CHECK;

/* { "edu_type": …, "content": … }: a new reference; takes the content. */
json_t *edu_build(enum edu_type type, json_t *content_owned);

struct typing_edu {
    const char *room_id;
    const char *user_id;
    bool is_typing;
};
enum errcode edu_parse_typing(const json_t *content, const struct edu_source *source,
                              struct typing_edu *out) MUST_CHECK;
json_t *edu_build_typing(const struct typing_edu *typing);

struct presence_edu {
    const char *user_id;
    const char *presence;    /* "online", "unavailable", "offline" */
    const char *status_msg;  /* NULL: none */
    int64_t last_active_ago; /* ms */
    bool is_currently_active;
};
enum errcode edu_parse_presence(struct arena *arena, const json_t *content,
                                const struct edu_source *source, const struct presence_edu **out,
                                size_t *count_out) MUST_CHECK;
json_t *edu_build_presence(const struct presence_edu *users, size_t count);

struct receipt_edu {
    const char *room_id;
    const char *user_id;
    const char *event_id;
    int64_t ts;            /* ms */
    const char *thread_id; /* NULL: unthreaded */
};
enum errcode edu_parse_receipts(struct arena *arena, const json_t *content,
                                const struct edu_source *source, const struct receipt_edu **out,
                                size_t *count_out) MUST_CHECK;
/* Appends EDUs. Of one user in one room there can be one receipt in each: those of several threads
 * take several (MSC4102), and what is in more than RECEIPT_EDUS_MAX threads is left out. */
enum { RECEIPT_EDUS_MAX = 20 };
void edu_add_receipts(json_t *edus, const struct receipt_edu *receipts, size_t count);

struct direct_to_device_edu {
    const char *sender;
    const char *type;
    const char *message_id;
    json_t *messages; /* user -> device or "*" -> content, each an object */
};
enum { TO_DEVICE_MESSAGE_ID_CHARS_MAX = 32 };
enum errcode edu_parse_direct_to_device(const json_t *content, const struct edu_source *source,
                                        struct direct_to_device_edu *out) MUST_CHECK;
json_t *edu_build_direct_to_device(const struct direct_to_device_edu *message);

struct device_list_update_edu {
    const char *user_id;
    const char *device_id;
    int64_t stream_id;
    const int64_t *prev_ids;
    size_t prev_id_count;
    bool is_deleted;
    const char *display_name; /* NULL: none */
    json_t *keys;             /* NULL: none; checked with device_keys_check() */
};
enum errcode edu_parse_device_list_update(struct arena *arena, const json_t *content,
                                          const struct edu_source *source,
                                          struct device_list_update_edu *out) MUST_CHECK;
json_t *edu_build_device_list_update(const struct device_list_update_edu *update);

struct signing_key_update_edu {
    const char *user_id;
    json_t *master_key;       /* NULL: none; unchecked: see cross_signing_key_parse() */
    json_t *self_signing_key; /* NULL: none */
};
enum errcode edu_parse_signing_key_update(const json_t *content, const struct edu_source *source,
                                          struct signing_key_update_edu *out) MUST_CHECK;
json_t *edu_build_signing_key_update(const struct signing_key_update_edu *update);

#endif
