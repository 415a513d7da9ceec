#include <sys/stat.h>
#include <unistd.h>

#include "config/signing_key_file.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "tests/support/test.h"

/* A path in a folder of its own; each test cleans up by removing both. */
static const char *new_path(struct arena *arena)
{
    char folder[] = "/tmp/beffroi-key-XXXXXX";

    assert_non_null(mkdtemp(folder));
    return arena_printf(arena, "%s/signing.key", folder);
}

static void remove_path(struct arena *arena, const char *path)
{
    unlink(path);
    rmdir(arena_strndup(arena, path, strlen(path) - strlen("/signing.key")));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void a_new_key_reads_back_and_only_its_owner_may_read_it(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *path = new_path(arena);
    const struct signing_key_seed *keys;
    const char *version;
    struct error error = {0};
    struct stat status;
    size_t count;

    assert_int_equal(signing_key_file_create(arena, path, &error, &version), OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(signing_key_file_read(arena, path, &error, &keys, &count), OK);
    assert_int_equal(count, 1);
    assert_string_equal(keys[0].version, version);
    remove_path(arena, path);
}

static void an_existing_key_is_never_overwritten(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *path = new_path(arena);
    const char *version;
    struct error error = {0};

    assert_int_equal(signing_key_file_create(arena, path, &error, &version), OK);
    assert_int_equal(signing_key_file_create(arena, path, &error, &version), E_CONFLICT);
    assert_non_null(strstr(error.text, "never overwritten"));
    remove_path(arena, path);
}

static void keys_of_other_homeservers_are_read(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *path = new_path(arena);
    const struct signing_key_seed *keys;
    struct error error = {0};
    size_t count;

    /* The seed of the appendix's test vectors, then a second key. */
    write_file(path, "ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1\n\n# old\n"
                     "ed25519 a_old AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    assert_int_equal(signing_key_file_read(arena, path, &error, &keys, &count), OK);
    assert_int_equal(count, 2);
    assert_string_equal(keys[0].version, "1");
    assert_int_equal(keys[0].seed[0], 0x60);
    assert_string_equal(keys[1].version, "a_old");
    remove_path(arena, path);
}

static void a_file_that_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "# nothing\n",
        "ed25519 a_1\n",
        "ed25519 a_1 AAAA\n",
        "ed25519 a-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "rsa a_1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "ed25519 a_1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA more\n",
        "-----BEGIN PRIVATE KEY-----\n",
    };
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *path = new_path(arena);

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct signing_key_seed *keys;
        struct error error = {0};
        size_t count;
        write_file(path, texts[i]);
        assert_int_equal(signing_key_file_read(arena, path, &error, &keys, &count),
                         M_INVALID_PARAM);
        assert_non_null(strstr(error.text, path));
    }
    remove_path(arena, path);
}

static void a_key_that_everybody_may_read_is_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *path = new_path(arena);
    const struct signing_key_seed *keys;
    const char *version;
    struct error error = {0};
    size_t count;

    assert_int_equal(signing_key_file_create(arena, path, &error, &version), OK);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(signing_key_file_read(arena, path, &error, &keys, &count), M_INVALID_PARAM);
    assert_non_null(strstr(error.text, "chmod o="));
    remove_path(arena, path);
}

static void a_missing_key_is_explained(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key_seed *keys;
    struct error error = {0};
    size_t count;

    assert_int_equal(signing_key_file_read(arena, "/nonexistent/key", &error, &keys, &count),
                     M_NOT_FOUND);
    assert_non_null(strstr(error.text, "beffroi generate-key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_reads_back_and_only_its_owner_may_read_it),
        cmocka_unit_test(an_existing_key_is_never_overwritten),
        cmocka_unit_test(keys_of_other_homeservers_are_read),
        cmocka_unit_test(a_file_that_is_no_key_is_refused),
        cmocka_unit_test(a_key_that_everybody_may_read_is_refused),
        cmocka_unit_test(a_missing_key_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
