#ifndef TESTS_SUPPORT_ROOMS_H
#define TESTS_SUPPORT_ROOMS_H

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/create_room.h"
#include "homeserver/rooms/event_draft.h"
#include "tests/support/accounts.h"

/* An accounts fixture with the services of homeserver/rooms, and people who do things in rooms:
 * cmocka_unit_test_setup_teardown(test, rooms_setup, rooms_teardown). */
struct rooms_fixture {
    struct accounts_fixture *accounts;
    struct call *call;
};
int rooms_setup(void **state);
int rooms_teardown(void **state);

/* A local user, made when there is none. Borrowed from the fixture's arena. */
const struct requester *test_requester(struct rooms_fixture *fixture, const char *user_id);

/* A public room; its ID. Stops the test when it fails. */
const char *test_room(struct rooms_fixture *fixture, const struct requester *creator,
                      const char *version);

/* What happens in a room; the outcome of building it, or else of the commit. */
enum errcode test_change_membership(struct rooms_fixture *fixture, const char *room_id,
                                    const struct requester *by, const char *target,
                                    const char *membership);
/* `*event_id_out` may be NULL. */
enum errcode test_message(struct rooms_fixture *fixture, const char *room_id,
                          const struct requester *by, const char *body, const char **event_id_out);

/* A new call, as a new request would have: the old arena's contents are gone. */
void test_next_call(struct rooms_fixture *fixture);

#endif
