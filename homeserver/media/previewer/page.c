/* From HTML to facts. The tree is walked without recursion, as deep as a stranger made it. */
#include "homeserver/media/previewer/page.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "homeserver/base/compiler.h"

enum {
    PARAGRAPH_BYTES_MIN = 40, /* shorter ones are captions and menus */
    PARAGRAPH_BYTES_MAX = 400,
};

/* Text with its whitespace collapsed, cut at a character. */
struct text {
    char bytes[PAGE_VALUE_BYTES_MAX + 1];
    size_t length;
    size_t limit;
};

struct reading {
    page_fact fact;
    void *context;
    size_t told;
    struct text title, description, paragraph; /* of the page, where OpenGraph has none */
    char image[PAGE_VALUE_BYTES_MAX + 1];
    int image_rank; /* of the best so far; 0: none */
    bool has_title, has_description, has_image;
};

static void add_text(struct text *text, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        bool is_space = strchr(" \t\r\n\f", *bytes) != NULL;
        if (is_space && (text->length == 0 || text->bytes[text->length - 1] == ' '))
            continue;
        if (text->length == text->limit)
            return;
        text->bytes[text->length++] = is_space ? ' ' : *bytes;
    }
}

/* Ends the text: no half character, no blank. */
static const char *end_text(struct text *text)
{
    if (text->length == text->limit) {
        while (text->length > 0 && ((unsigned char)text->bytes[text->length - 1] & 0xc0) == 0x80)
            text->length--;
        if (text->length > 0 && ((unsigned char)text->bytes[text->length - 1] & 0x80) != 0)
            text->length--;
    }
    while (text->length > 0 && text->bytes[text->length - 1] == ' ')
        text->length--;
    text->bytes[text->length] = '\0';
    return text->bytes;
}

static void tell(struct reading *reading, const char *name, const char *value)
{
    struct text text = {.limit = PAGE_VALUE_BYTES_MAX};

    add_text(&text, value);
    end_text(&text);
    if (text.length == 0 || reading->told == PAGE_FACTS_MAX)
        return;
    reading->told++;
    reading->fact(reading->context, name, text.bytes);
}

static const char *attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *at = node->properties; at != NULL; at = at->next) {
        if (strcasecmp((const char *)at->name, name) == 0)
            return at->children == NULL || at->children->content == NULL
                       ? ""
                       : (const char *)at->children->content;
    }
    return NULL;
}

static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789:_-");

    return strncmp(name, "og:", 3) == 0 && name[length] == '\0' && length <= PAGE_NAME_BYTES_MAX;
}

static void suggest_image(struct reading *reading, int rank, const char *address)
{
    size_t length = strlen(address);

    if (rank <= reading->image_rank || length == 0 || length > PAGE_VALUE_BYTES_MAX)
        return;
    reading->image_rank = rank;
    memcpy(reading->image, address, length + 1);
}

static void read_meta(struct reading *reading, const xmlNode *node)
{
    const char *content = attribute(node, "content");
    const char *name = attribute(node, "property");

    if (name == NULL)
        name = attribute(node, "name");
    if (name == NULL)
        name = attribute(node, "itemprop");
    if (name == NULL || content == NULL)
        return;
    if (is_name(name)) {
        reading->has_title |= strcmp(name, "og:title") == 0;
        reading->has_description |= strcmp(name, "og:description") == 0;
        reading->has_image |= strcmp(name, "og:image") == 0;
        tell(reading, name, content);
    } else if (strcasecmp(name, "description") == 0 ||
               (strcasecmp(name, "twitter:description") == 0 && reading->description.length == 0)) {
        reading->description.length = 0;
        add_text(&reading->description, content);
    } else if (strcasecmp(name, "twitter:title") == 0 && reading->title.length == 0) {
        add_text(&reading->title, content);
    } else if (strcasecmp(name, "twitter:image") == 0) {
        suggest_image(reading, 4, content);
    } else if (strcasecmp(name, "image") == 0) {
        suggest_image(reading, 3, content);
    }
}

static void read_link(struct reading *reading, const xmlNode *node)
{
    const char *rel = attribute(node, "rel");
    const char *type = attribute(node, "type");
    const char *href = attribute(node, "href");

    if (rel == NULL || href == NULL)
        return;
    if (type != NULL && strcasecmp(type, "application/json+oembed") == 0)
        tell(reading, "oembed", href);
    else if (strcasecmp(rel, "image_src") == 0)
        suggest_image(reading, 2, href);
    else if (strcasecmp(rel, "apple-touch-icon") == 0)
        suggest_image(reading, 1, href);
}

/* The text inside, up to what fits. */
static void collect(struct text *text, const xmlNode *top)
{
    const xmlNode *node = top->children;

    while (node != NULL && text->length < text->limit) {
        if (node->type == XML_TEXT_NODE && node->content != NULL)
            add_text(text, (const char *)node->content);
        if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
            node = node->children;
            continue;
        }
        while (node != top && node->next == NULL)
            node = node->parent;
        if (node == top)
            return;
        node = node->next;
    }
}

static bool is_element(const xmlNode *node, const char *name)
{
    return strcmp((const char *)node->name, name) == 0;
}

static void read_element(struct reading *reading, const xmlNode *node)
{
    if (is_element(node, "meta")) {
        read_meta(reading, node);
    } else if (is_element(node, "link")) {
        read_link(reading, node);
    } else if (is_element(node, "base") && attribute(node, "href") != NULL) {
        tell(reading, "base", attribute(node, "href"));
    } else if (is_element(node, "title") && reading->title.length == 0) {
        collect(&reading->title, node);
    } else if (is_element(node, "p") && reading->paragraph.length < PARAGRAPH_BYTES_MIN) {
        reading->paragraph.length = 0;
        collect(&reading->paragraph, node);
    }
}

/* Scripts hold text that looks like markup. */
static bool is_opaque(const xmlNode *node)
{
    return is_element(node, "script") || is_element(node, "style") || is_element(node, "svg");
}

static void walk(struct reading *reading, const xmlNode *root)
{
    const xmlNode *node = root;

    while (node != NULL) {
        bool is_entered = node->type == XML_ELEMENT_NODE && !is_opaque(node);
        if (is_entered)
            read_element(reading, node);
        if (is_entered && node->children != NULL) {
            node = node->children;
            continue;
        }
        while (node != root && node->next == NULL)
            node = node->parent;
        if (node == root)
            return;
        node = node->next;
    }
}

static void tell_fallbacks(struct reading *reading)
{
    if (!reading->has_title)
        tell(reading, "og:title", end_text(&reading->title));
    if (!reading->has_description && reading->description.length > 0)
        tell(reading, "og:description", end_text(&reading->description));
    else if (!reading->has_description && reading->paragraph.length >= PARAGRAPH_BYTES_MIN)
        tell(reading, "og:description", end_text(&reading->paragraph));
    if (!reading->has_image)
        tell(reading, "og:image", reading->image);
}

void page_describe(const char *bytes, size_t size, const char *charset, page_fact fact,
                   void *context)
{
    struct reading reading = {.fact = fact, .context = context};
    const int options = HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                        HTML_PARSE_NOWARNING | HTML_PARSE_COMPACT;

    reading.title.limit = PAGE_VALUE_BYTES_MAX;
    reading.description.limit = PAGE_VALUE_BYTES_MAX;
    reading.paragraph.limit = PARAGRAPH_BYTES_MAX;
    if (size == 0 || size > INT_MAX)
        return;
    xmlDoc *document = htmlReadMemory(bytes, (int)size, "", charset, options);
    if (document == NULL)
        return;
    walk(&reading, xmlDocGetRootElement(document));
    tell_fallbacks(&reading);
    xmlFreeDoc(document);
}
