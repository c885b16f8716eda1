/* Captures for the tests, from lines of text on standard input to a pcap or pcapng file on standard
 * output:
 *
 *     craft [-l LINKTYPE] [-h HEX] [-s SNAPLEN] [-b] [-u] [-n]
 *
 *     udp FROM TO HEX [WORD…]   a UDP datagram over IPv4
 *     ip HEX                    an IPv4 packet, or what is to pass for one
 *     frame HEX [WORD…]         a frame with its link-layer header
 *
 * HEX may be in several words. -h is the link-layer header of udp and ip lines (default:
 * Ethernet's); -b writes the file in big-endian, -u in microseconds. WORDs: ttl=N, id=N, tos=N,
 * whole (don't fragment), mf (a first fragment), offset=N (a later one, in units of 8 bytes),
 * piece=FROM-TO (of the IPv4 payload, as a fragment; no TO = to its end),
 * checksum=none|wrong|partial, header=wrong|none (the checksum), length=N (the UDP header's), cut=N
 * (bytes captured of the frame). Empty lines and those that begin with # are passed over. Frame I
 * is captured I seconds after 1764000000 and a bit; one with the WORD at=N, N ms after 1764000000.
 *
 * -n writes pcapng, which has one more kind of lines and WORDs:
 *
 *     section big|little
 *     interface LINKTYPE [snap=N] [resolution=N] [offset=N] [header=HEX]
 *     block TYPE [HEX]
 *
 * and of a frame interface=N, sent, received, and what kind of block it is in: simple, obsolete.
 * Without such lines there is one section, with one interface of -l and -h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "hex.h"
#include "udp.h"

enum {
    FRAME_SIZE = 65536,
    FIRST_SECOND = 1764000000,
    NANOSECONDS = 123456789,
    UDP_CHECKSUM_AT = IP4_HEADER_SIZE + 6,
};

enum {
    INTERFACES = 8,
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_OBSOLETE = 2,
    BLOCK_SIMPLE = 3,
    BLOCK_ENHANCED = 6,
};

struct interface {
    uint32_t link;
    size_t snap;
    unsigned resolution; /* 10^-N s */
    int64_t offset;
    uint8_t header[256];
    size_t header_size;
};

/* What the WORDs of a line say of its frame. */
struct words {
    const char *at; /* NULL = by its number */
    size_t cut;
    size_t from, to; /* of the IPv4 payload; to 0 = all of it */
    unsigned interface;
    uint32_t block;
    unsigned flags;
};

struct craft {
    bool pcapng;
    bool big;
    bool micro;
    struct interface interfaces[INTERFACES];
    unsigned interface_count;
    uint32_t frames;
    struct words words; /* of the next frame */
    uint8_t frame[FRAME_SIZE];
};

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "craft: %s: %s\n", what, detail);
    exit(65);
}

static void put32(const struct craft *c, uint32_t value)
{
    uint8_t b[4];

    store_u32(b, c->big ? value : __builtin_bswap32(value));
    fwrite(b, 1, sizeof b, stdout);
}

static void put16(const struct craft *c, uint16_t value)
{
    uint8_t b[2];

    store_u16(b, c->big ? value : __builtin_bswap16(value));
    fwrite(b, 1, sizeof b, stdout);
}

static void put_file_header(const struct craft *c)
{
    put32(c, c->micro ? 0xa1b2c3d4 : 0xa1b23c4d);
    put16(c, 2);
    put16(c, 4);
    put32(c, 0);
    put32(c, 0);
    put32(c, (uint32_t)c->interfaces[0].snap);
    put32(c, c->interfaces[0].link);
}

static void put_padded(const uint8_t *data, size_t size)
{
    static const uint8_t zeros[4];

    fwrite(data, 1, size, stdout);
    fwrite(zeros, 1, -size & 3, stdout);
}

static void put_block(const struct craft *c, uint32_t type, const uint8_t *body, size_t size)
{
    uint32_t whole = 12 + (uint32_t)((size + 3) & ~(size_t)3);

    put32(c, type);
    put32(c, whole);
    put_padded(body, size);
    put32(c, whole);
}

static void put_section(struct craft *c)
{
    put32(c, BLOCK_SECTION);
    put32(c, 28);
    put32(c, 0x1a2b3c4d);
    put16(c, 1);
    put16(c, 0);
    put32(c, UINT32_MAX);
    put32(c, UINT32_MAX);
    put32(c, 28);
    c->interface_count = 0;
}

static void put_interface(struct craft *c)
{
    const struct interface *i = &c->interfaces[c->interface_count++];
    uint32_t halves[] = {(uint32_t)((uint64_t)i->offset >> 32), (uint32_t)i->offset};

    put32(c, BLOCK_INTERFACE);
    put32(c, 44);
    put16(c, (uint16_t)i->link);
    put16(c, 0);
    put32(c, (uint32_t)i->snap);
    put16(c, 9);
    put16(c, 1);
    putchar((int)i->resolution);
    putchar(0);
    putchar(0);
    putchar(0);
    put16(c, 14);
    put16(c, 8);
    put32(c, halves[!c->big]);
    put32(c, halves[c->big]);
    put32(c, 0);
    put32(c, 44);
}

static void put_packet(const struct craft *c, uint64_t nanoseconds, size_t size, size_t captured)
{
    const struct words *w = &c->words;
    const struct interface *i = &c->interfaces[w->interface];
    uint32_t padded = (uint32_t)((captured + 3) & ~(size_t)3);
    uint32_t whole = w->block == BLOCK_SIMPLE ? 16 + padded : 32 + padded + (w->flags ? 12 : 0);
    uint64_t ticks = nanoseconds - (uint64_t)i->offset * 1000000000;

    for (unsigned e = i->resolution; e < 9; e++)
        ticks /= 10;
    put32(c, w->block);
    put32(c, whole);
    if (w->block == BLOCK_OBSOLETE) {
        put16(c, (uint16_t)w->interface);
        put16(c, 0);
    } else if (w->block == BLOCK_ENHANCED) {
        put32(c, w->interface);
    }
    if (w->block != BLOCK_SIMPLE) {
        put32(c, (uint32_t)(ticks >> 32));
        put32(c, (uint32_t)ticks);
        put32(c, (uint32_t)captured);
    }
    put32(c, (uint32_t)size);
    put_padded(c->frame, captured);
    if (w->flags != 0) {
        put16(c, 2);
        put16(c, 4);
        put32(c, w->flags);
        put32(c, 0);
    }
    put32(c, whole);
}

static void put_record(const struct craft *c, uint64_t nanoseconds, size_t size, size_t captured)
{
    uint32_t fraction = (uint32_t)(nanoseconds % 1000000000);

    put32(c, (uint32_t)(nanoseconds / 1000000000));
    put32(c, c->micro ? fraction / 1000 : fraction);
    put32(c, (uint32_t)captured);
    put32(c, (uint32_t)size);
    fwrite(c->frame, 1, captured, stdout);
}

static void put_frame(struct craft *c, size_t size)
{
    const struct interface *i = &c->interfaces[c->words.interface];
    size_t captured = i->snap != 0 && size > i->snap ? i->snap : size;
    uint64_t when;

    if (c->words.cut != 0 && c->words.cut < captured)
        captured = c->words.cut;
    c->frames++;
    when = (FIRST_SECOND + UINT64_C(1) + c->frames - 1) * 1000000000 + NANOSECONDS;
    if (c->words.at != NULL)
        when = FIRST_SECOND * UINT64_C(1000000000) +
               (uint64_t)llrintl(strtold(c->words.at, NULL) * 1000000);
    if (c->pcapng)
        put_packet(c, when, size, captured);
    else
        put_record(c, when, size, captured);
}

/* The words of hexadecimal digits from WORD on; the first that is none, or NULL. */
static char *take_hex(char *word, uint8_t *out, size_t *size, char **rest)
{
    *size = 0;
    while (word != NULL && strspn(word, "0123456789abcdefABCDEF") == strlen(word) &&
           strlen(word) % 2 == 0) {
        *size += hex_read(word, out + *size);
        word = strtok_r(NULL, " \n", rest);
    }
    return word;
}

static unsigned long value_of(const char *word)
{
    return strtoul(strchr(word, '=') + 1, NULL, 0);
}

static void fix_header(uint8_t *ip)
{
    store_u16(ip + 10, 0);
    store_u16(ip + 10, checksum_finish(checksum_add(0, ip, IP4_HEADER_SIZE)));
}

/* What the network card has still to add to. */
static uint16_t partial_checksum(const uint8_t *ip)
{
    uint32_t sum = checksum_add(0, ip + 12, 8);

    sum = checksum_add_u16(sum, IP_PROTOCOL_UDP);
    return (uint16_t)(checksum_finish(checksum_add_u16(sum, load_u16(ip + 24))) ^ 0xffff);
}

/* What is chosen before the packet is built. */
static void choose(struct udp_options *options, const char *word)
{
    if (strncmp(word, "ttl=", 4) == 0)
        options->ttl = (uint8_t)value_of(word);
    else if (strncmp(word, "id=", 3) == 0)
        options->id = (uint16_t)value_of(word);
    else if (strncmp(word, "tos=", 4) == 0)
        options->tos = (uint8_t)value_of(word);
    else if (strcmp(word, "whole") == 0)
        options->dont_fragment = true;
    else if (strcmp(word, "checksum=none") == 0)
        options->checksum = UDP_CHECKSUM_ZERO;
    else if (strcmp(word, "checksum=wrong") == 0)
        options->checksum = UDP_CHECKSUM_WRONG;
}

/* What is changed of it afterwards. */
static void change(uint8_t *ip, const char *word)
{
    if (strcmp(word, "mf") == 0)
        ip[6] |= 0x20;
    else if (strncmp(word, "offset=", 7) == 0)
        store_u16(ip + 6, (uint16_t)value_of(word));
    else if (strncmp(word, "length=", 7) == 0)
        store_u16(ip + IP4_HEADER_SIZE + 4, (uint16_t)value_of(word));
    else if (strcmp(word, "checksum=partial") == 0)
        store_u16(ip + UDP_CHECKSUM_AT, partial_checksum(ip));
}

/* The checksum of the header, right unless one of the words says other. */
static void finish_header(uint8_t *ip, char *const *words, size_t count)
{
    fix_header(ip);
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], "header=wrong") == 0)
            ip[10] ^= 1;
        else if (strcmp(words[i], "header=none") == 0)
            store_u16(ip + 10, 0);
}

/* What is said of the frame that carries it. */
static void note(struct words *w, char *word)
{
    if (strncmp(word, "at=", 3) == 0)
        w->at = word + 3;
    else if (strncmp(word, "cut=", 4) == 0)
        w->cut = value_of(word);
    else if (strncmp(word, "interface=", 10) == 0)
        w->interface = (unsigned)value_of(word);
    else if (strcmp(word, "simple") == 0)
        w->block = BLOCK_SIMPLE;
    else if (strcmp(word, "obsolete") == 0)
        w->block = BLOCK_OBSOLETE;
    else if (strcmp(word, "received") == 0)
        w->flags = 1;
    else if (strcmp(word, "sent") == 0)
        w->flags = 2;
    else if (strncmp(word, "piece=", 6) == 0) {
        w->from = value_of(word);
        w->to = strtoul(strchr(word, '-') + 1, NULL, 0);
        if (w->to == 0)
            w->to = FRAME_SIZE;
    }
}

/* Makes a fragment of the packet; its new size. */
static size_t take_piece(uint8_t *ip, size_t size, const struct words *w)
{
    size_t payload = size - IP4_HEADER_SIZE, to = w->to < payload ? w->to : payload;

    memmove(ip + IP4_HEADER_SIZE, ip + IP4_HEADER_SIZE + w->from, to - w->from);
    store_u16(ip + 6, (uint16_t)(w->from / 8 | (to < payload ? 0x2000 : 0)));
    store_u16(ip + 2, (uint16_t)(IP4_HEADER_SIZE + to - w->from));
    return IP4_HEADER_SIZE + to - w->from;
}

/* The link-layer header of the interface; its size. */
static size_t begin_frame(struct craft *c)
{
    const struct interface *i = &c->interfaces[c->words.interface];

    memcpy(c->frame, i->header, i->header_size);
    return i->header_size;
}

static void add_udp(struct craft *c, char *from_text, char **rest)
{
    static uint8_t payload[FRAME_SIZE];
    char *to_text = strtok_r(NULL, " \n", rest), *words[16], *word;
    struct udp_options options = {0};
    struct endpoint from, to;
    size_t size, count = 0, start;
    uint8_t *ip;

    if (from_text == NULL || to_text == NULL || !endpoint_parse(from_text, 0, &from) ||
        !endpoint_parse(to_text, 0, &to))
        die("no pair of endpoints", from_text == NULL ? "" : from_text);
    for (word = take_hex(strtok_r(NULL, " \n", rest), payload, &size, rest);
         word != NULL && count < 16; word = strtok_r(NULL, " \n", rest)) {
        words[count++] = word;
        choose(&options, word);
        note(&c->words, word);
    }
    start = begin_frame(c);
    ip = c->frame + start;
    size = udp4_encode(ip, FRAME_SIZE - start, &(struct udp_message){from, to, payload, size},
                       &options);
    for (size_t i = 0; i < count; i++)
        change(ip, words[i]);
    if (c->words.to != 0)
        size = take_piece(ip, size, &c->words);
    finish_header(ip, words, count);
    put_frame(c, start + size);
}

static void add_interface(struct craft *c, char *link, char **rest)
{
    struct interface *i = &c->interfaces[c->interface_count];

    *i = (struct interface){.link = (uint32_t)strtoul(link, NULL, 10), .resolution = 9};
    for (char *word; (word = strtok_r(NULL, " \n", rest)) != NULL;) {
        if (strncmp(word, "snap=", 5) == 0)
            i->snap = value_of(word);
        else if (strncmp(word, "resolution=", 11) == 0)
            i->resolution = (unsigned)value_of(word);
        else if (strncmp(word, "offset=", 7) == 0)
            i->offset = strtoll(word + 7, NULL, 0);
        else if (strncmp(word, "header=", 7) == 0)
            i->header_size = hex_read(word + 7, i->header);
    }
    put_interface(c);
}

static void add_block(struct craft *c, char *type, char **rest)
{
    size_t size;

    take_hex(strtok_r(NULL, " \n", rest), c->frame, &size, rest);
    put_block(c, (uint32_t)strtoul(type, NULL, 0), c->frame, size);
}

/* Lines that describe the file; false if it is none of them. */
static bool add_description(struct craft *c, const char *word, char **rest)
{
    char *what;

    if (!c->pcapng || (strcmp(word, "section") != 0 && strcmp(word, "interface") != 0 &&
                       strcmp(word, "block") != 0))
        return false;
    what = strtok_r(NULL, " \n", rest);
    if (what == NULL)
        die("what is", word);
    if (strcmp(word, "section") == 0) {
        c->big = strcmp(what, "big") == 0;
        put_section(c);
    } else if (strcmp(word, "interface") == 0) {
        if (c->interface_count == INTERFACES)
            die("too many interfaces", what);
        add_interface(c, what, rest);
    } else {
        add_block(c, what, rest);
    }
    return true;
}

static void add_line(struct craft *c, char *line)
{
    char *rest, *word = strtok_r(line, " \n", &rest);
    size_t size, start;

    if (word == NULL || word[0] == '#' || add_description(c, word, &rest))
        return;
    if (c->pcapng && c->interface_count == 0)
        put_interface(c);
    c->words = (struct words){.block = BLOCK_ENHANCED};
    if (strcmp(word, "udp") == 0) {
        add_udp(c, strtok_r(NULL, " \n", &rest), &rest);
    } else if (strcmp(word, "ip") == 0) {
        start = begin_frame(c);
        take_hex(strtok_r(NULL, " \n", &rest), c->frame + start, &size, &rest);
        put_frame(c, start + size);
    } else if (strcmp(word, "frame") == 0) {
        word = take_hex(strtok_r(NULL, " \n", &rest), c->frame, &size, &rest);
        for (; word != NULL; word = strtok_r(NULL, " \n", &rest))
            note(&c->words, word);
        put_frame(c, size);
    } else {
        die("what is", word);
    }
}

int main(int argc, char **argv)
{
    static struct craft c = {.interfaces = {{.link = 1, .snap = 262144, .resolution = 9}}};
    struct interface *first = &c.interfaces[0];
    char *line = NULL;
    size_t room = 0;
    int option;

    first->header_size = hex_read("020000000001 020000000002 0800", first->header);
    while ((option = getopt(argc, argv, "l:h:s:bun")) != -1) {
        switch (option) {
        case 'l':
            first->link = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'h':
            first->header_size = hex_read(optarg, first->header);
            break;
        case 's':
            first->snap = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            c.big = true;
            break;
        case 'u':
            c.micro = true;
            first->resolution = 6;
            break;
        case 'n':
            c.pcapng = true;
            break;
        default:
            return 64;
        }
    }
    if (c.pcapng)
        put_section(&c);
    else
        put_file_header(&c);
    while (getline(&line, &room, stdin) > 0)
        add_line(&c, line);
    free(line);
    return fflush(stdout) == 0 ? 0 : 74;
}
