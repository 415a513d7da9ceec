/* Passwords from people. */
#include "homeserver/cli/password_input.h"

#include <termios.h>
#include <unistd.h>

#include "homeserver/accounts/password_hash.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "homeserver/base/secret.h"

enum { GROUPS = 5, GROUP_CHARS = 4 };

/* Without 0, 1, i, l and o, which are hard to tell apart. */
static const char easy_characters[] = "abcdefghjkmnpqrstuvwxyz23456789ABCDEFGH";

static void clear_password(void *password)
{
    secret_clear(password, strlen(password));
}

/* One line without its end; NULL at the end of the input. */
static const char *read_line(struct arena *arena)
{
    char line[PASSWORD_BYTES_MAX + 2];

    if (fgets(line, sizeof(line), stdin) == NULL)
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    char *password = arena_strdup(arena, line);
    arena_defer(arena, clear_password, password);
    secret_clear(line, sizeof(line));
    return password;
}

static const char *ask(struct arena *arena, const char *prompt)
{
    struct termios before, quiet;

    fputs(prompt, stderr);
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return NULL;
    quiet = before;
    quiet.c_lflag &= (tcflag_t)~ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    const char *line = read_line(arena);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return line;
}

enum errcode password_input_read(struct arena *arena, struct error *error, const char **out)
{
    bool on_terminal = isatty(STDIN_FILENO) == 1;
    const char *password = on_terminal ? ask(arena, "New password: ") : read_line(arena);

    if (password == NULL || *password == '\0')
        return fail(error, M_INVALID_PARAM,
                    "No password was given. Enter one, or use --generate-password.");
    if (on_terminal) {
        const char *again = ask(arena, "The same once more: ");
        if (again == NULL || strcmp(password, again) != 0)
            return fail(error, M_INVALID_PARAM, "The two passwords are not the same.");
    }
    *out = password;
    return OK;
}

const char *password_input_generate(struct arena *arena)
{
    char *password = arena_alloc(arena, GROUPS * (GROUP_CHARS + 1));
    size_t used = 0;

    for (int group = 0; group < GROUPS; group++) {
        for (int i = 0; i < GROUP_CHARS; i++)
            password[used++] = easy_characters[random_below(sizeof(easy_characters) - 1)];
        if (group + 1 < GROUPS)
            password[used++] = '-';
    }
    arena_defer(arena, clear_password, password);
    return password;
}
