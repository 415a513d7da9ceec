#ifndef STORAGE_PLAIN_WORDS_H
#define STORAGE_PLAIN_WORDS_H

#include <stdint.h>

struct arena;

/* What strip(to_tsvector('simple', text)) makes of a case-folded text, and `!` and the room's
 * number as one more word, in the text form of tsvector: PostgreSQL needs a fraction of the time to
 * read it. NULL for everything but plain sentences (links, numbers with signs, hyphens, signs that
 * are letters in some locales): that is for PostgreSQL itself. */
const char *plain_words_vector(struct arena *arena, const char *folded_text, int64_t room_nid);

#endif
