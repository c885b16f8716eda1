#include "bubble_values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRAILER_NONCE_SIZE = 4,
    ALTERNATE_SIZE = 6,
    TRAILER_MAX_VALUE = 255,
};

unsigned long value_number(struct argp_state *state, const char *name, const char *text,
                           unsigned long low, unsigned long high)
{
    int base = strncasecmp(text, "0x", 2) == 0 ? 16 : 10;
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, base);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || value < low ||
        value > high)
        argp_error(state, "%s: '%s' is not a number from %lu to %lu", name, text, low, high);
    return value;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

    return at == NULL ? -1 : (int)(at - digits);
}

/* Reads hexadecimal bytes into OUT; how many, or -1 if there are more than MAX or they are none. */
static long read_hex(const char *text, uint8_t *out, size_t max)
{
    size_t n = 0;

    while (*text != '\0') {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

        if (*text == ' ' || *text == ':') {
            text++;
            continue;
        }
        if (low < 0 || n == max)
            return -1;
        out[n++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return (long)n;
}

/* Keeps what DATA..SIZE has in the room; the caller has seen that it fits. */
static uint8_t *keep(struct byte_room *room, size_t size)
{
    uint8_t *p = room->data + room->size;

    room->size += size;
    return p;
}

const uint8_t *value_hex(struct argp_state *state, const char *name, const char *text,
                         struct byte_room *room, size_t max, size_t *size)
{
    size_t left = sizeof room->data - room->size;
    long n = read_hex(text, room->data + room->size, max < left ? max : left);

    if (n < 0)
        argp_error(state, "%s: '%.40s' is not up to %zu bytes in hexadecimal", name, text, max);
    *size = n < 0 ? 0 : (size_t)n;
    return keep(room, *size);
}

void value_bytes(struct argp_state *state, const char *name, const char *text, uint8_t *out,
                 size_t size)
{
    if (read_hex(text, out, size) != (long)size)
        argp_error(state, "%s: '%.40s' is not %zu bytes in hexadecimal", name, text, size);
}

const uint8_t *value_text_or_hex(struct argp_state *state, const char *name, const char *text,
                                 struct byte_room *room, size_t max, size_t *size)
{
    uint8_t *p;

    if (strncmp(text, "0x", 2) == 0)
        return value_hex(state, name, text + 2, room, max, size);
    *size = strlen(text);
    if (*size > max || *size > sizeof room->data - room->size)
        argp_error(state, "%s: more than %zu bytes", name, max);
    p = keep(room, *size);
    memcpy(p, text, *size);
    return p;
}

struct in6_addr value_ip6(struct argp_state *state, const char *name, const char *text)
{
    struct in6_addr address = {0};

    if (inet_pton(AF_INET6, text, &address) != 1)
        argp_error(state, "%s: '%s' is not an IPv6 address", name, text);
    return address;
}

int value_checksum(struct argp_state *state, const char *text)
{
    static const char *const words[] = {
        [UDP_CHECKSUM_RIGHT] = "right",
        [UDP_CHECKSUM_ZERO] = "zero",
        [UDP_CHECKSUM_WRONG] = "wrong",
    };

    for (int i = UDP_CHECKSUM_RIGHT; i <= UDP_CHECKSUM_WRONG; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    argp_error(state, "--checksum: '%s' is none of right, zero, wrong", text);
    return UDP_CHECKSUM_RIGHT;
}

static struct teredo_trailer make_trailer(uint8_t type, const struct writer *w)
{
    return (struct teredo_trailer){type, (uint8_t)w->size, w->data};
}

static struct writer room_writer(struct byte_room *room, size_t size)
{
    return room->size + size <= sizeof room->data ? writer_of(keep(room, size), size)
                                                  : writer_of(NULL, 0);
}

/* TYPE is in hexadecimal, as RFC 6081 has it, with 0x or without: one or two digits. */
static int trailer_type(const char *text, size_t size)
{
    int type = 0;

    if (size > 2 && strncasecmp(text, "0x", 2) == 0) {
        text += 2;
        size -= 2;
    }
    if (size < 1 || size > 2)
        return -1;
    for (; size > 0 && type >= 0; text++, size--)
        type = digit(*text) < 0 ? -1 : type << 4 | digit(*text);
    return type;
}

struct teredo_trailer value_trailer(struct argp_state *state, const char *text,
                                    struct byte_room *room)
{
    size_t type_size = strcspn(text, ":"), size = 0;
    int type = text[type_size] == ':' ? trailer_type(text, type_size) : -1;
    struct teredo_trailer trailer = {.type = (uint8_t)type};

    if (type < 0)
        argp_error(state, "--trailer: '%.40s' is not a TYPE:HEX, as 05:1f90", text);
    else
        trailer.value =
            value_hex(state, "--trailer", text + type_size + 1, room, TRAILER_MAX_VALUE, &size);
    trailer.size = (uint8_t)size;
    return trailer;
}

struct teredo_trailer value_alternates(struct argp_state *state, const char *text,
                                       struct byte_room *room)
{
    struct writer w = room_writer(room, 2 + TEREDO_MAX_ALTERNATES * ALTERNATE_SIZE);

    writer_u16(&w, 0);
    for (unsigned n = 0;; n++) {
        size_t size = strcspn(text, ",");
        char one[ENDPOINT_STRLEN] = "";
        struct endpoint e = {0};

        if (size < sizeof one)
            memcpy(one, text, size);
        if (n == TEREDO_MAX_ALTERNATES)
            argp_error(state, "--alternate-address: more than %d addresses", TEREDO_MAX_ALTERNATES);
        else if (!endpoint_parse(one, 0, &e))
            argp_error(state,
                       "--alternate-address: '%s' is not an IPv4 address and port "
                       "(192.0.2.45:40000), or several parted by commas",
                       text);
        writer_u32(&w, e.address);
        writer_u16(&w, e.port);
        text += size;
        if (*text == '\0')
            return make_trailer(TRAILER_ALTERNATE_ADDRESS, &w);
        text++;
    }
}

struct teredo_trailer value_nd_option(struct argp_state *state, const char *text,
                                      struct byte_room *room)
{
    struct writer w = room_writer(room, 4);
    uint8_t type = 0;

    if (text != NULL && strcmp(text, "advertisement") == 0)
        type = 1;
    else if (text != NULL && strcmp(text, "solicitation") != 0)
        type = (uint8_t)value_number(state, "--nd-option", text, 0, UINT8_MAX);
    writer_u8(&w, type);
    writer_zeros(&w, 3);
    return make_trailer(TRAILER_ND_OPTION, &w);
}

struct teredo_trailer value_random_port(struct argp_state *state, const char *text,
                                        struct byte_room *room)
{
    struct writer w = room_writer(room, 2);

    writer_u16(&w, (uint16_t)value_number(state, "--random-port", text, 0, UINT16_MAX));
    return make_trailer(TRAILER_RANDOM_PORT, &w);
}

struct teredo_trailer value_nonce_trailer(struct argp_state *state, const char *text,
                                          struct byte_room *room)
{
    struct writer w = room_writer(room, TRAILER_NONCE_SIZE);

    writer_zeros(&w, TRAILER_NONCE_SIZE);
    if (text != NULL && !w.failed)
        value_bytes(state, "--nonce-trailer", text, w.data, TRAILER_NONCE_SIZE);
    return make_trailer(TRAILER_NONCE, &w);
}
