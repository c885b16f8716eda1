#include <stdlib.h>

#include "hex.h"
#include "report.h"
#include "samples.h"
#include "tap.h"
#include "teredo_flows.h"
#include "text_buffer.h"
#include "words.h"

enum {
    LARGEST = 65507 /* UDP payload of an IPv4 packet */
};

/* What is written of S. */
static const char *printed(const struct captured_packet *s, enum report_format format, bool verbose,
                           bool many)
{
    static char *text;
    size_t size;
    FILE *file;
    struct report_config config = {.format = format,
                                   .command = "decode",
                                   .verdict = EVENT_PACKET,
                                   .columns = TSV_DECODE,
                                   .err = stderr,
                                   .verbose = verbose,
                                   .many = many,
                                   .buffered = true};
    struct flows_summary none = {0};
    struct event packet = {.kind = EVENT_PACKET, .packet = s};
    struct event end = {.kind = EVENT_FLOWS, .flows = &none};
    struct reporter *r;
    struct event_sink sink;
    struct error error;

    free(text);
    text = NULL;
    config.out = file = open_memstream(&text, &size);
    r = reporter_new(&config);
    sink = reporter_sink(r);
    sink.emit(sink.context, &packet);
    if (many)
        sink.emit(sink.context, &end);
    if (reporter_close(r, &error) != 0)
        ok(false, "memory takes what is printed");
    fclose(file);
    return text;
}

/* The second is remembered from one time to the next. */
static void test_times(void)
{
    static const struct {
        nsec when;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {999999999, "1970-01-01T00:00:00.999999999Z"},
        {NSEC_S, "1970-01-01T00:00:01.000000000Z"},
        {951782399 * NSEC_S + 5, "2000-02-28T23:59:59.000000005Z"},
        {951782400 * NSEC_S, "2000-02-29T00:00:00.000000000Z"},
        {1764000001123456789, "2025-11-24T16:00:01.123456789Z"},
        {1764000001123456790, "2025-11-24T16:00:01.123456790Z"},
        {1764000000000000000, "2025-11-24T16:00:00.000000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
    };
    struct stamp stamp = {0};
    char text[RFC3339_STRLEN];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *put_time(&stamp, text, rows[i].when) = '\0';
        is_str(text, rows[i].text, "a time in RFC 3339");
    }
}

static void test_line(void)
{
    uint8_t data[256];
    struct captured_packet s;

    teredo_flows_decode_payload(
        data, hex_read(SAMPLE_ORIGIN SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS, data), &s);
    is_str(printed(&s, REPORT_TEXT, false, true),
           "bubble fe80::1c2b:3a49:5867:768e > 2001:0:c000:281:0:63bf:34ff:8ef6, hop limit 0, "
           "origin 1.2.3.4:337, nonce 0x6908dbf5, alternate address 192.168.1.101:59656, "
           "random port 31382, 68 bytes\n",
           "a packet without a capture has neither time nor endpoints");
}

/* The largest packet that there is: everything that is printed in proportion to its bytes. What has
 * no room in the trailers is payload, or, in the place of a trailer, the tail. */
static size_t make_largest(uint8_t *data, bool payload)
{
    size_t size = hex_read("0001ffff", data), ip6;

    memset(data + size, 0xff, 255 + 255 + 9);
    size += 255 + 255 + 9;
    ip6 = size += hex_read(SAMPLE_ORIGIN, data + size);
    size += hex_read(SAMPLE_BUBBLE, data + size);
    if (payload) {
        size_t left = LARGEST - size - TEREDO_MAX_TRAILERS * 257;

        data[ip6 + 4] = (uint8_t)(left >> 8);
        data[ip6 + 5] = (uint8_t)left;
        memset(data + size, 0xff, left);
        size += left;
    }
    for (int i = 0; i < TEREDO_MAX_TRAILERS; i++) {
        data[size++] = 0x80;
        data[size++] = 255;
        memset(data + size, 0xff, 255);
        size += 255;
    }
    memset(data + size, 1, LARGEST - size);
    return LARGEST;
}

static void test_largest(bool payload)
{
    static uint8_t data[LARGEST];
    static char name[5000];
    struct captured_packet s;

    teredo_flows_decode_payload(data, make_largest(data, payload), &s);
    ok(payload ? captured_packet_payload(&s).size > 60000 : captured_packet_tail(&s).size > 60000,
       "the largest packet, with %s", payload ? "a payload" : "a tail");
    s.outside = CAPTURED_PACKET_CAPTURED;
    s.frame = INT64_MAX;
    s.when = INT64_MAX;
    s.udp.from = s.udp.to = (struct endpoint){UINT32_MAX, UINT16_MAX};
    s.problems[1] = s.problems[0] = (struct wire_fault){WIRE_REPEATED_ENCAPSULATION, INT64_MAX};
    s.problem_count = 2;
    memset(name, '\1', sizeof name - 1);
    s.file = name;
    for (int verbose = 0; verbose < 2; verbose++) {
        const char *text = printed(&s, REPORT_TEXT, verbose, true);

        ok(strlen(text) > (verbose ? 120000 : 4000), "its text, %zu bytes", strlen(text));
    }
    for (int format = REPORT_JSON; format <= REPORT_TSV; format++)
        for (int many = 0; many < 2; many++) {
            const char *text = printed(&s, (enum report_format)format, false, many);

            ok(strlen(text) > (format == REPORT_TSV ? 5000 : 130000),
               "its JSON or row, %zu bytes, even with a monstrous name", strlen(text));
        }
}

static void test_file_names(void)
{
    static const char *const rows[][2] = {
        {"a.pcap", "\"file\":\"a.pcap\""},
        {"a\"b\\c\n", "\"file\":\"a\\\"b\\\\c\\n\""},
        {"na\xc3\xafve", "\"file\":\"na\xc3\xafve\""},
        {"\xff"
         "a",
         "\"file\":\"\xef\xbf\xbd"
         "a\""},
        {NULL, "\"file\":null"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t data[128];
        struct captured_packet s;

        teredo_flows_decode_payload(data, hex_read(SAMPLE_RS, data), &s);
        s.file = rows[i][0];
        ok(strstr(printed(&s, REPORT_JSONL, false, true), rows[i][1]) != NULL,
           "a file's name is %s", rows[i][1]);
    }
}

int main(void)
{
    test_times();
    test_line();
    test_largest(true);
    test_largest(false);
    test_file_names();
    return done_testing();
}
