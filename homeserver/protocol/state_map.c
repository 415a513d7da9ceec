/*
 * A persistent hash array mapped trie (the CHAMP layout: entries first, then children).
 *
 * Keys are mixed by a bijection of 64 bits, so two keys never share a hash: the trie is at most 13
 * levels deep and needs no collision lists. A child never holds a single entry (it is pulled up
 * into its parent), so equal maps built in different orders have the same shape.
 */
#include "homeserver/protocol/state_map.h"

#include <stdatomic.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"

enum { LEVEL_BITS = 5, LEVEL_MASK = 31 };

/* An entry takes two words, a child one. */
union word {
    int64_t number;
    struct state_map *child;
};

/* A node; the root node stands for the whole map. */
struct state_map {
    atomic_uint references;
    uint32_t entry_bits;
    uint32_t child_bits;
    uint32_t count; /* entries in this node and below */
    union word words[];
};

enum slot_kind { SLOT_EMPTY, SLOT_ENTRY, SLOT_CHILD };

/* What stands at one of the 32 positions of a node. */
struct slot {
    enum slot_kind kind;
    int64_t key;
    int64_t value;
    struct state_map *child;
};

static NORETURN void out_of_memory(void)
{
    fputs("<2>beffroi: out of memory: a room's state could not be held; stopping.\n", stderr);
    abort();
}

/* The finaliser of splitmix64: every input bit reaches every output bit, and it is invertible. */
static uint64_t mix(int64_t key)
{
    uint64_t hash = (uint64_t)key;

    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static unsigned position_of(uint64_t hash, unsigned shift)
{
    return (unsigned)(hash >> shift) & LEVEL_MASK;
}

static unsigned count_bits(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

/* Bits of `bits` below `position`: the index of that position among those set. */
static unsigned rank(uint32_t bits, unsigned position)
{
    return count_bits(bits & ((UINT32_C(1) << position) - 1));
}

static size_t node_bytes(uint32_t entry_bits, uint32_t child_bits)
{
    size_t words = 2 * (size_t)count_bits(entry_bits) + count_bits(child_bits);

    return sizeof(struct state_map) + words * sizeof(union word);
}

static struct slot slot_at(const struct state_map *node, unsigned position)
{
    uint32_t bit = UINT32_C(1) << position;

    if (node->entry_bits & bit) {
        const union word *entry = &node->words[(size_t)2 * rank(node->entry_bits, position)];
        return (struct slot){.kind = SLOT_ENTRY, .key = entry[0].number, .value = entry[1].number};
    }
    if (node->child_bits & bit) {
        size_t first_child = (size_t)2 * count_bits(node->entry_bits);
        size_t index = first_child + rank(node->child_bits, position);
        return (struct slot){.kind = SLOT_CHILD, .child = node->words[index].child};
    }
    return (struct slot){.kind = SLOT_EMPTY};
}

static struct state_map *node_create(uint32_t entry_bits, uint32_t child_bits)
{
    struct state_map *node = malloc(node_bytes(entry_bits, child_bits));

    if (node == NULL)
        out_of_memory();
    atomic_init(&node->references, 1);
    node->entry_bits = entry_bits;
    node->child_bits = child_bits;
    node->count = 0;
    return node;
}

/* Writes a slot into a node whose bitmaps already provide for it. Takes over the child. */
static void node_put(struct state_map *node, unsigned position, struct slot slot)
{
    if (slot.kind == SLOT_ENTRY) {
        union word *entry = &node->words[(size_t)2 * rank(node->entry_bits, position)];
        entry[0].number = slot.key;
        entry[1].number = slot.value;
        node->count++;
    } else if (slot.kind == SLOT_CHILD) {
        size_t first_child = (size_t)2 * count_bits(node->entry_bits);
        node->words[first_child + rank(node->child_bits, position)].child = slot.child;
        node->count += slot.child->count;
    }
}

enum children { CHILDREN_SHARED, CHILDREN_MOVED };

/* A copy of `node` (NULL: of an empty one) with another slot at `position`; takes over
 * `slot.child`. NULL when nothing is left. The other children are shared with `node` or moved out
 * of it; then the caller frees its bare memory. */
static struct state_map *node_copy(const struct state_map *node, unsigned position,
                                   struct slot slot, enum children children)
{
    uint32_t bit = UINT32_C(1) << position;
    uint32_t entry_bits = (node != NULL ? node->entry_bits : 0) & ~bit;
    uint32_t child_bits = (node != NULL ? node->child_bits : 0) & ~bit;
    uint32_t kept = entry_bits | child_bits;

    if (slot.kind == SLOT_ENTRY)
        entry_bits |= bit;
    else if (slot.kind == SLOT_CHILD)
        child_bits |= bit;
    if ((entry_bits | child_bits) == 0)
        return NULL;

    struct state_map *copy = node_create(entry_bits, child_bits);
    for (; kept != 0; kept &= kept - 1) {
        unsigned other = (unsigned)__builtin_ctz(kept);
        struct slot shared = slot_at(node, other);
        if (shared.kind == SLOT_CHILD && children == CHILDREN_SHARED)
            state_map_acquire(shared.child);
        node_put(copy, other, shared);
    }
    node_put(copy, position, slot);
    return copy;
}

static struct state_map *node_with(const struct state_map *node, unsigned position,
                                   struct slot slot)
{
    return node_copy(node, position, slot, CHILDREN_SHARED);
}

/* A node that is only one entry, as its parent's slot. */
static struct slot pull_up(struct state_map *node)
{
    if (node == NULL)
        return (struct slot){.kind = SLOT_EMPTY};
    if (node->count > 1)
        return (struct slot){.kind = SLOT_CHILD, .child = node};

    struct slot entry = slot_at(node, (unsigned)__builtin_ctz(node->entry_bits));
    state_map_release(node);
    return entry;
}

/* A sub-trie for two entries that share their position on the level above. */
static struct state_map *node_of_two(struct slot a, struct slot b, unsigned shift)
{
    unsigned a_position = position_of(mix(a.key), shift);
    unsigned b_position = position_of(mix(b.key), shift);

    if (a_position == b_position) {
        struct state_map *below = node_of_two(a, b, shift + LEVEL_BITS);
        return node_with(NULL, a_position, (struct slot){.kind = SLOT_CHILD, .child = below});
    }
    struct state_map *node =
        node_create((UINT32_C(1) << a_position) | (UINT32_C(1) << b_position), 0);
    node_put(node, a_position, a);
    node_put(node, b_position, b);
    return node;
}

static struct state_map *node_set(const struct state_map *node, struct slot entry, unsigned shift)
{
    unsigned position = position_of(mix(entry.key), shift);
    struct slot old = node != NULL ? slot_at(node, position) : (struct slot){.kind = SLOT_EMPTY};

    if (old.kind == SLOT_CHILD) {
        struct state_map *below = node_set(old.child, entry, shift + LEVEL_BITS);
        return node_with(node, position, pull_up(below));
    }
    if (old.kind == SLOT_ENTRY && old.key != entry.key) {
        struct state_map *below = node_of_two(old, entry, shift + LEVEL_BITS);
        return node_with(node, position, (struct slot){.kind = SLOT_CHILD, .child = below});
    }
    return node_with(node, position, entry);
}

static struct state_map *node_remove(const struct state_map *node, int64_t key, unsigned shift)
{
    unsigned position = position_of(mix(key), shift);
    struct slot old = slot_at(node, position);

    if (old.kind == SLOT_CHILD) {
        struct state_map *below = node_remove(old.child, key, shift + LEVEL_BITS);
        return node_with(node, position, pull_up(below));
    }
    return node_with(node, position, (struct slot){.kind = SLOT_EMPTY});
}

struct state_map *state_map_acquire(struct state_map *map)
{
    if (map != NULL)
        atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
    return map;
}

void state_map_release(struct state_map *map)
{
    if (map == NULL)
        return;
    /* Release and acquire: whoever frees the node sees all that others did with it before. */
    if (atomic_fetch_sub_explicit(&map->references, 1, memory_order_acq_rel) != 1)
        return;

    size_t first_child = (size_t)2 * count_bits(map->entry_bits);
    for (size_t i = 0; i < count_bits(map->child_bits); i++)
        state_map_release(map->words[first_child + i].child);
    free(map);
}

static int64_t node_get(const struct state_map *node, int64_t key, unsigned shift)
{
    uint64_t hash = mix(key);

    for (; node != NULL; shift += LEVEL_BITS) {
        struct slot slot = slot_at(node, position_of(hash, shift));
        if (slot.kind == SLOT_ENTRY && slot.key == key)
            return slot.value;
        node = slot.child;
    }
    return 0;
}

int64_t state_map_get(const struct state_map *map, int64_t key)
{
    return node_get(map, key, 0);
}

struct state_map *state_map_set(struct state_map *map, int64_t key, int64_t value)
{
    if (state_map_get(map, key) == value)
        return state_map_acquire(map);
    if (value == 0)
        return node_remove(map, key, 0);
    return node_set(map, (struct slot){.kind = SLOT_ENTRY, .key = key, .value = value}, 0);
}

/* True when no other map or thread has the node; then none can get it meanwhile either. */
static bool is_sole_owner(struct state_map *node)
{
    return atomic_load_explicit(&node->references, memory_order_acquire) == 1;
}

/* Where a child's pointer or an entry's value stands in a node that has one there. */
static union word *word_at(struct state_map *node, unsigned position)
{
    if (node->entry_bits & (UINT32_C(1) << position))
        return &node->words[(size_t)2 * rank(node->entry_bits, position) + 1];
    return &node->words[(size_t)2 * count_bits(node->entry_bits) +
                        rank(node->child_bits, position)];
}

/* node_set() on a node that the caller gives away, in place where nobody else has it. */
static struct state_map *node_set_in_place(struct state_map *node_owned, struct slot entry,
                                           unsigned shift)
{
    unsigned position = position_of(mix(entry.key), shift);
    struct state_map *changed;

    if (node_owned == NULL || !is_sole_owner(node_owned)) {
        changed = node_set(node_owned, entry, shift);
        state_map_release(node_owned);
        return changed;
    }
    struct slot old = slot_at(node_owned, position);
    if (old.kind == SLOT_CHILD) {
        node_owned->count -= old.child->count;
        changed = node_set_in_place(old.child, entry, shift + LEVEL_BITS);
        node_owned->count += changed->count;
        word_at(node_owned, position)->child = changed;
        return node_owned;
    }
    if (old.kind == SLOT_ENTRY && old.key == entry.key) {
        word_at(node_owned, position)->number = entry.value;
        return node_owned;
    }
    if (old.kind == SLOT_ENTRY)
        entry =
            (struct slot){.kind = SLOT_CHILD, .child = node_of_two(old, entry, shift + LEVEL_BITS)};
    changed = node_copy(node_owned, position, entry, CHILDREN_MOVED);
    free(node_owned);
    return changed;
}

void state_map_put(struct state_map **map, int64_t key, int64_t value)
{
    if (value == 0) {
        struct state_map *without = state_map_set(*map, key, 0);
        state_map_release(*map);
        *map = without;
        return;
    }
    *map =
        node_set_in_place(*map, (struct slot){.kind = SLOT_ENTRY, .key = key, .value = value}, 0);
}

size_t state_map_count(const struct state_map *map)
{
    return map != NULL ? map->count : 0;
}

/* One of the two visitors: plain, or seeing each entry as added or removed. */
struct walk {
    state_map_visitor visitor;
    state_map_diff_visitor diff_visitor;
    void *context;
};

static bool visit_node(const struct walk *walk, const struct state_map *node)
{
    size_t entries = count_bits(node->entry_bits);
    size_t children = count_bits(node->child_bits);

    for (size_t i = 0; i < entries; i++) {
        const union word *entry = &node->words[2 * i];
        if (!walk->visitor(walk->context, entry[0].number, entry[1].number))
            return false;
    }
    for (size_t i = 0; i < children; i++) {
        if (!visit_node(walk, node->words[2 * entries + i].child))
            return false;
    }
    return true;
}

void state_map_visit(const struct state_map *map, state_map_visitor visitor, void *context)
{
    const struct walk walk = {.visitor = visitor, .context = context};

    if (map != NULL)
        visit_node(&walk, map);
}

static bool append_value(void *context, int64_t key, int64_t value)
{
    int64_t **end = context;

    (void)key;
    *(*end)++ = value;
    return true;
}

int64_t *state_map_values(const struct state_map *map, struct arena *arena)
{
    int64_t *values = ARENA_ARRAY(arena, state_map_count(map), int64_t);
    int64_t *end = values;

    state_map_visit(map, append_value, &end);
    return values;
}

static bool report(const struct walk *walk, int64_t key, int64_t old_value, int64_t new_value)
{
    return old_value == new_value || walk->diff_visitor(walk->context, key, old_value, new_value);
}

/* A sub-trie that stands on one side only, but for perhaps one entry of the other side. */
struct one_sided {
    const struct walk *walk;
    bool is_old;
    struct slot other;
    bool other_seen;
};

static bool report_one_sided(void *context, int64_t key, int64_t value)
{
    struct one_sided *side = context;
    int64_t other_value = 0;

    if (side->other.kind == SLOT_ENTRY && side->other.key == key) {
        other_value = side->other.value;
        side->other_seen = true;
    }
    return side->is_old ? report(side->walk, key, value, other_value)
                        : report(side->walk, key, other_value, value);
}

static bool diff_one_sided(const struct walk *walk, const struct state_map *child, bool is_old,
                           struct slot other)
{
    struct one_sided side = {.walk = walk, .is_old = is_old, .other = other};
    const struct walk inner = {.visitor = report_one_sided, .context = &side};

    if (!visit_node(&inner, child))
        return false;
    if (other.kind != SLOT_ENTRY || side.other_seen)
        return true;
    return is_old ? report(walk, other.key, 0, other.value)
                  : report(walk, other.key, other.value, 0);
}

static bool diff_entries(const struct walk *walk, struct slot old_slot, struct slot new_slot)
{
    if (old_slot.kind == SLOT_ENTRY && new_slot.kind == SLOT_ENTRY && old_slot.key == new_slot.key)
        return report(walk, old_slot.key, old_slot.value, new_slot.value);
    if (old_slot.kind == SLOT_ENTRY && !report(walk, old_slot.key, old_slot.value, 0))
        return false;
    return new_slot.kind != SLOT_ENTRY || report(walk, new_slot.key, 0, new_slot.value);
}

static bool diff_nodes(const struct walk *walk, const struct state_map *old_node,
                       const struct state_map *new_node)
{
    uint32_t used =
        old_node->entry_bits | old_node->child_bits | new_node->entry_bits | new_node->child_bits;

    for (; used != 0; used &= used - 1) {
        unsigned position = (unsigned)__builtin_ctz(used);
        struct slot old_slot = slot_at(old_node, position);
        struct slot new_slot = slot_at(new_node, position);
        bool go_on = true;

        if (old_slot.kind == SLOT_CHILD && new_slot.kind == SLOT_CHILD)
            go_on = old_slot.child == new_slot.child ||
                    diff_nodes(walk, old_slot.child, new_slot.child);
        else if (old_slot.kind == SLOT_CHILD)
            go_on = diff_one_sided(walk, old_slot.child, true, new_slot);
        else if (new_slot.kind == SLOT_CHILD)
            go_on = diff_one_sided(walk, new_slot.child, false, old_slot);
        else
            go_on = diff_entries(walk, old_slot, new_slot);
        if (!go_on)
            return false;
    }
    return true;
}

void state_map_diff(const struct state_map *old_map, const struct state_map *new_map,
                    state_map_diff_visitor visitor, void *context)
{
    const struct walk walk = {.diff_visitor = visitor, .context = context};
    const struct slot nothing = {.kind = SLOT_EMPTY};

    if (old_map == new_map)
        return;
    if (old_map == NULL)
        diff_one_sided(&walk, new_map, false, nothing);
    else if (new_map == NULL)
        diff_one_sided(&walk, old_map, true, nothing);
    else
        diff_nodes(&walk, old_map, new_map);
}

size_t state_map_bytes(const struct state_map *map)
{
    if (map == NULL)
        return 0;

    size_t bytes = node_bytes(map->entry_bits, map->child_bits);
    size_t first_child = (size_t)2 * count_bits(map->entry_bits);
    for (size_t i = 0; i < count_bits(map->child_bits); i++)
        bytes += state_map_bytes(map->words[first_child + i].child);
    return bytes;
}
