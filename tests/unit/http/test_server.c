/* Requests one at a time: what each kind of answer looks like, and what is refused. */
#include <unistd.h>

#include "tests/support/http_client.h"
#include "tests/unit/http/fixture.h"

static struct http_reply reply;

static void get(const char *target, const char *headers)
{
    http_request(test_port, "GET", target, headers, NULL, &reply);
}

static void post(const char *target, const char *body)
{
    http_request(test_port, "POST", target, NULL, body, &reply);
}

static void assert_error(int status, const char *errcode)
{
    json_t *body = json_loads(reply.body, 0, NULL);

    assert_int_equal(reply.status, status);
    assert_non_null(body);
    assert_string_equal(json_string_value(json_object_get(body, "errcode")), errcode);
    assert_true(json_is_string(json_object_get(body, "error")));
    assert_string_equal(http_reply_header(&reply, "Content-Type"), "application/json");
    json_decref(body);
}

static void assert_cors(void)
{
    assert_string_equal(http_reply_header(&reply, "Access-Control-Allow-Origin"), "*");
    assert_non_null(strstr(http_reply_header(&reply, "Access-Control-Allow-Methods"), "PUT"));
    assert_non_null(
        strstr(http_reply_header(&reply, "Access-Control-Allow-Headers"), "Authorization"));
}

static void a_handler_sees_path_query_and_address(void **state)
{
    (void)state;
    get("/test/echo/a%2Fb%20c?q=x+y&q=second&n=500", NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body,
                        "{\"word\":\"a/b c\",\"n\":100,\"q\":\"x y\",\"client\":\"127.0.0.1\"}");
    assert_cors();
}

static void unknown_paths_and_methods_are_m_unrecognized(void **state)
{
    (void)state;
    get("/_matrix/nothing", NULL);
    assert_error(404, "M_UNRECOGNIZED");
    assert_cors();
    http_request(test_port, "DELETE", "/test/page", NULL, NULL, &reply);
    assert_error(405, "M_UNRECOGNIZED");
    http_request(test_port, "PATCH", "/test/page", NULL, "{}", &reply);
    assert_error(405, "M_UNRECOGNIZED");
}

static void apis_that_the_listener_does_not_serve_are_not_there(void **state)
{
    (void)state;
    get("/_matrix/federation/v1/test", NULL);
    assert_error(404, "M_UNRECOGNIZED");
}

static void options_is_answered_on_every_path_without_a_token(void **state)
{
    static const char *const paths[] = {"/test/user", "/test/upload", "/_matrix/nothing", "*"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        http_request(test_port, "OPTIONS", paths[i], NULL, NULL, &reply);
        assert_int_equal(reply.status, 204);
        assert_cors();
    }
}

static void head_is_get_without_a_body(void **state)
{
    (void)state;
    http_request(test_port, "HEAD", "/test/page", NULL, NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(http_reply_header(&reply, "Content-Length"), "12");
}

static void bad_escapes_are_m_invalid_param(void **state)
{
    static const char *const bad[] = {"%25%", "%zz", "%00", "a%00b", "%c0%af", "%ed%a0%80"};
    char target[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(target, sizeof(target), "/test/echo/%s", bad[i]);
        get(target, NULL);
        assert_error(400, "M_INVALID_PARAM");
        snprintf(target, sizeof(target), "/test/echo/a?q=%s", bad[i]);
        get(target, NULL);
        assert_error(400, "M_INVALID_PARAM");
    }
    get("/test/echo/a?n=five", NULL);
    assert_error(400, "M_INVALID_PARAM");
}

static void bodies_must_be_json_objects(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *errcode;
    } cases[] = {
        {"", 400, "M_NOT_JSON"},
        {"{", 400, "M_NOT_JSON"},
        {"{}x", 400, "M_NOT_JSON"},
        {"{'a':1}", 400, "M_NOT_JSON"},
        {"{\"a\":1,}", 400, "M_NOT_JSON"},
        {"\xef\xbb\xbf{}", 400, "M_NOT_JSON"},
        {"[]", 400, "M_BAD_JSON"},
        {"\"a\"", 400, "M_BAD_JSON"},
        {"{\"a\":NaN}", 400, "M_NOT_JSON"},
        {"{\"a\":01}", 400, "M_NOT_JSON"},
        {"{\"text\":5}", 400, "M_BAD_JSON"},
        {"{\"text\":\"a\\u0000b\"}", 400, "M_BAD_JSON"},
        {"{\"a\":1,\"a\":2}", 400, "M_BAD_JSON"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        post("/test/body", cases[i].body);
        assert_error(cases[i].status, cases[i].errcode);
    }
    post("/test/body", "{\"text\":null,\"other\":\"\\u0000\"}");
    assert_int_equal(reply.status, 200);
}

static void deep_nesting_is_refused_without_deep_recursion(void **state)
{
    static char body[200001];

    (void)state;
    memset(body, '[', sizeof(body) - 1);
    post("/test/body", body);
    assert_error(400, "M_BAD_JSON");
}

static void an_optional_body_may_be_empty(void **state)
{
    (void)state;
    post("/test/optional", NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{}");
    post("/test/optional", "[]");
    assert_error(400, "M_BAD_JSON");
}

static void content_type_does_not_matter_but_encodings_do(void **state)
{
    (void)state;
    http_request(test_port, "POST", "/test/body", "Content-Type: text/plain\r\n", "{\"a\":1}",
                 &reply);
    assert_string_equal(reply.body, "{\"a\":1}");
    http_request(test_port, "POST", "/test/body", "Content-Encoding: gzip\r\n", "{\"a\":1}",
                 &reply);
    assert_error(415, "M_UNKNOWN");
}

static void errors_are_told_in_matrix_form_and_internal_ones_not_at_all(void **state)
{
    (void)state;
    get("/test/failure/forbidden", NULL);
    assert_error(403, "M_FORBIDDEN");
    assert_non_null(strstr(reply.body, "Not \\\"you\\\".\\n"));
    get("/test/failure/secret", NULL);
    assert_error(500, "M_UNKNOWN");
    assert_null(strstr(reply.body, "password"));
    get("/test/failure/unavailable", NULL);
    assert_error(503, "M_UNKNOWN");
    assert_non_null(http_reply_header(&reply, "Retry-After"));
    get("/test/failure/silent", NULL);
    assert_error(500, "M_UNKNOWN");
}

static void line_breaks_never_reach_a_header(void **state)
{
    (void)state;
    get("/test/page", NULL);
    assert_string_equal(http_reply_header(&reply, "X-Test"), "aInjected: yes");
    assert_null(http_reply_header(&reply, "Injected"));
}

static void pages_are_locked_down(void **state)
{
    (void)state;
    get("/test/page", NULL);
    assert_string_equal(reply.body, "<p>hello</p>");
    assert_non_null(
        strstr(http_reply_header(&reply, "Content-Security-Policy"), "default-src 'none'"));
    get("/test/redirect", NULL);
    assert_int_equal(reply.status, 302);
    assert_string_equal(http_reply_header(&reply, "Location"), "https://example.org/");
}

static void a_part_of_a_file_is_sent(void **state)
{
    (void)state;
    get("/test/file", NULL);
    assert_string_equal(reply.body, "23456");
}

static void harmless_request_ids_are_kept_and_others_replaced(void **state)
{
    (void)state;
    get("/test/page", "X-Request-ID: abc-1.2_3\r\n");
    assert_string_equal(http_reply_header(&reply, "X-Request-ID"), "abc-1.2_3");
    get("/test/page", "X-Request-ID: a b\"\r\n");
    assert_string_not_equal(http_reply_header(&reply, "X-Request-ID"), "a b\"");
    assert_true(strlen(http_reply_header(&reply, "X-Request-ID")) > 8);
}

static void tokens_decide_who_may(void **state)
{
    static const struct {
        const char *token, *method, *path;
        int status;
        const char *errcode;
    } cases[] = {
        {NULL, "GET", "/test/user", 401, "M_MISSING_TOKEN"},
        {"nobody", "GET", "/test/user", 401, "M_UNKNOWN_TOKEN"},
        {"nobody", "GET", "/test/echo/a", 401, "M_UNKNOWN_TOKEN"},
        {"guest", "GET", "/test/user", 403, "M_GUEST_ACCESS_FORBIDDEN"},
        {"guest", "GET", "/test/guest", 200, NULL},
        {"locked", "GET", "/test/user", 401, "M_USER_LOCKED"},
        {"locked", "POST", "/test/logout", 200, NULL},
        {"suspended", "GET", "/test/user", 200, NULL},
        {"suspended", "POST", "/test/user", 403, "M_USER_SUSPENDED"},
        {"suspended", "POST", "/test/logout", 200, NULL},
        {"alice", "GET", "/test/admin", 403, "M_FORBIDDEN"},
        {"admin", "GET", "/test/admin", 200, NULL},
        {"alice", "GET", "/test/service", 403, "M_FORBIDDEN"},
        {"service", "GET", "/test/service", 200, NULL},
    };
    char header[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", cases[i].token);
        http_request(test_port, cases[i].method, cases[i].path,
                     cases[i].token == NULL ? NULL : header, NULL, &reply);
        if (cases[i].errcode != NULL)
            assert_error(cases[i].status, cases[i].errcode);
        else
            assert_int_equal(reply.status, cases[i].status);
    }
    get("/test/user", "Authorization: Bearer locked\r\n");
    assert_non_null(strstr(reply.body, "\"soft_logout\":true"));
}

static void a_token_in_the_query_counts_where_the_configuration_allows(void **state)
{
    (void)state;
    get("/test/user?access_token=alice", NULL);
    assert_int_equal(reply.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_sees_path_query_and_address),
        cmocka_unit_test(unknown_paths_and_methods_are_m_unrecognized),
        cmocka_unit_test(apis_that_the_listener_does_not_serve_are_not_there),
        cmocka_unit_test(options_is_answered_on_every_path_without_a_token),
        cmocka_unit_test(head_is_get_without_a_body),
        cmocka_unit_test(bad_escapes_are_m_invalid_param),
        cmocka_unit_test(bodies_must_be_json_objects),
        cmocka_unit_test(deep_nesting_is_refused_without_deep_recursion),
        cmocka_unit_test(an_optional_body_may_be_empty),
        cmocka_unit_test(content_type_does_not_matter_but_encodings_do),
        cmocka_unit_test(errors_are_told_in_matrix_form_and_internal_ones_not_at_all),
        cmocka_unit_test(line_breaks_never_reach_a_header),
        cmocka_unit_test(pages_are_locked_down),
        cmocka_unit_test(a_part_of_a_file_is_sent),
        cmocka_unit_test(harmless_request_ids_are_kept_and_others_replaced),
        cmocka_unit_test(tokens_decide_who_may),
        cmocka_unit_test(a_token_in_the_query_counts_where_the_configuration_allows),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
