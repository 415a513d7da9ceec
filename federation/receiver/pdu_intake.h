#ifndef FEDERATION_RECEIVER_PDU_INTAKE_H
#define FEDERATION_RECEIVER_PDU_INTAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/json_scan.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/protocol/room_version.h"

/* As somebody wrote it, with escapes, white space and `unsigned`; the event itself has 64 KiB. */
enum { EVENT_TEXT_BYTES_MAX = 1 << 20 };

/*
 * From JSON of other servers to events whose signatures hold: checks 1 to 3 on receipt of a PDU,
 * for one or for many. One bad event is left out, alone.
 */
struct pdu_batch {
    const struct room_version *version;
    const char *room_id; /* events of other rooms are left out */
    json_t *pdus;        /* an array; NULL: … */
    /* … they are there as text, and parsed by the threads that check them. One longer than
     * EVENT_TEXT_BYTES_MAX is left out. */
    const struct json_span *texts;
    size_t text_count;
    bool is_history;
    int64_t stored_in; /* room_nid whose stored events are left out unverified; 0: none are */
};

/* One for each of them; NULL for those that are left out. On the call's arena. */
enum errcode pdus_verify(struct call *call, const struct pdu_batch *batch,
                         const struct pdu_signed ***out, size_t *count_out) MUST_CHECK;

/* Closes up what pdus_verify() left out and puts the smallest depth first; how many there are. */
size_t pdus_oldest_first(const struct pdu_signed **pdus, size_t count);

/* One event; refused with the reason in the call's error. */
enum errcode pdu_verify_one(struct call *call, const struct pdu_batch *batch, json_t *json,
                            const struct pdu_signed **out) MUST_CHECK;

#endif
