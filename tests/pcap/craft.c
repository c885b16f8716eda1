/* Captures for the tests, from lines of text on standard input to a pcap file on standard output:
 *
 *     craft [-l LINKTYPE] [-h HEX] [-s SNAPLEN] [-b] [-u]
 *
 *     udp FROM TO HEX [WORD…]   a UDP datagram over IPv4
 *     ip HEX                    an IPv4 packet, or what is to pass for one
 *     frame HEX                 a frame with its link-layer header
 *
 * HEX may be in several words. -h is the link-layer header of udp and ip lines (default:
 * Ethernet's); -b writes the file in big-endian, -u in microseconds. WORDs: ttl=N, id=N, tos=N,
 * whole (don't fragment), mf (a first fragment), offset=N (a later one, in units of 8 bytes),
 * checksum=none|wrong|partial, header=wrong (the checksum), length=N (the UDP header's), cut=N
 * (bytes captured of the frame). Empty lines and those that begin with # are passed over. Frame I
 * is captured I seconds after 1764000000 and a bit; one with the WORD at=N, N ms after 1764000000.
 */
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

struct craft {
    uint32_t link;
    size_t snap;
    bool big;
    bool micro;
    uint8_t header[256];
    size_t header_size;
    uint32_t frames;
    const char *at; /* of the next frame; NULL = by its number */
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
    put32(c, (uint32_t)c->snap);
    put32(c, c->link);
}

static void put_frame(struct craft *c, size_t size, size_t cut)
{
    size_t captured = size < c->snap ? size : c->snap;
    uint32_t seconds = FIRST_SECOND + c->frames + 1, nanoseconds = NANOSECONDS;

    if (cut < captured)
        captured = cut;
    c->frames++;
    if (c->at != NULL) {
        double ms = strtod(c->at, NULL);
        uint32_t whole = (uint32_t)(ms / 1e3);

        seconds = FIRST_SECOND + whole;
        nanoseconds = (uint32_t)((ms - whole * 1e3) * 1e6);
    }
    put32(c, seconds);
    put32(c, c->micro ? nanoseconds / 1000 : nanoseconds);
    put32(c, (uint32_t)captured);
    put32(c, (uint32_t)size);
    fwrite(c->frame, 1, captured, stdout);
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

static void apply(uint8_t *ip, struct udp_options *options, size_t *cut, const char *word)
{
    if (ip == NULL) { /* before the packet is built */
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
        return;
    }
    if (strcmp(word, "mf") == 0)
        ip[6] |= 0x20;
    else if (strncmp(word, "offset=", 7) == 0)
        store_u16(ip + 6, (uint16_t)value_of(word));
    else if (strncmp(word, "length=", 7) == 0)
        store_u16(ip + IP4_HEADER_SIZE + 4, (uint16_t)value_of(word));
    else if (strcmp(word, "checksum=partial") == 0)
        store_u16(ip + UDP_CHECKSUM_AT, partial_checksum(ip));
    else if (strncmp(word, "cut=", 4) == 0)
        *cut = value_of(word);
    fix_header(ip);
    if (strcmp(word, "header=wrong") == 0)
        ip[10] ^= 1;
}

static void add_udp(struct craft *c, char *from_text, char **rest)
{
    static uint8_t payload[FRAME_SIZE];
    uint8_t *ip = c->frame + c->header_size;
    char *to_text = strtok_r(NULL, " \n", rest), *words[16], *word;
    struct udp_options options = {0};
    struct endpoint from, to;
    size_t size, count = 0, cut = FRAME_SIZE;

    if (from_text == NULL || to_text == NULL || !endpoint_parse(from_text, 0, &from) ||
        !endpoint_parse(to_text, 0, &to))
        die("no pair of endpoints", from_text == NULL ? "" : from_text);
    for (word = take_hex(strtok_r(NULL, " \n", rest), payload, &size, rest);
         word != NULL && count < 16; word = strtok_r(NULL, " \n", rest)) {
        if (strncmp(word, "at=", 3) == 0) {
            c->at = word + 3;
            continue;
        }
        words[count++] = word;
        apply(NULL, &options, &cut, word);
    }
    size = udp4_encode(ip, FRAME_SIZE - c->header_size, from, to, payload, size, &options);
    for (size_t i = 0; i < count; i++)
        apply(ip, &options, &cut, words[i]);
    memcpy(c->frame, c->header, c->header_size);
    put_frame(c, c->header_size + size, cut);
}

static void add_line(struct craft *c, char *line)
{
    char *rest, *word = strtok_r(line, " \n", &rest);
    size_t size;

    if (word == NULL || word[0] == '#')
        return;
    c->at = NULL;
    if (strcmp(word, "udp") == 0) {
        add_udp(c, strtok_r(NULL, " \n", &rest), &rest);
    } else if (strcmp(word, "ip") == 0) {
        take_hex(strtok_r(NULL, " \n", &rest), c->frame + c->header_size, &size, &rest);
        memcpy(c->frame, c->header, c->header_size);
        put_frame(c, c->header_size + size, FRAME_SIZE);
    } else if (strcmp(word, "frame") == 0) {
        take_hex(strtok_r(NULL, " \n", &rest), c->frame, &size, &rest);
        put_frame(c, size, FRAME_SIZE);
    } else {
        die("what is", word);
    }
}

int main(int argc, char **argv)
{
    static struct craft c = {.link = 1, .snap = 262144};
    char *line = NULL;
    size_t room = 0;
    int option;

    c.header_size = hex_read("020000000001 020000000002 0800", c.header);
    while ((option = getopt(argc, argv, "l:h:s:bu")) != -1) {
        switch (option) {
        case 'l':
            c.link = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'h':
            c.header_size = hex_read(optarg, c.header);
            break;
        case 's':
            c.snap = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            c.big = true;
            break;
        case 'u':
            c.micro = true;
            break;
        default:
            return 64;
        }
    }
    put_file_header(&c);
    while (getline(&line, &room, stdin) > 0)
        add_line(&c, line);
    free(line);
    return fflush(stdout) == 0 ? 0 : 74;
}
