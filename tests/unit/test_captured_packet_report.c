#include <stdlib.h>

#include "captured_packet_report.h"
#include "hex.h"
#include "packet.h"
#include "samples.h"
#include "tap.h"
#include "teredo_flows.h"
#include "words.h"

enum {
    LARGEST = 65507 /* UDP payload of an IPv4 packet */
};

static struct output output;

/* What PRINTER writes of S, and at its end. */
static const char *printed(struct captured_packet_printer *printer, const struct captured_packet *s)
{
    static char *text;
    size_t size;
    FILE *file;

    free(text);
    text = NULL;
    file = open_memstream(&text, &size);
    output_init(&output, file);
    printer->out = &output;
    captured_packet_print(printer, s);
    captured_packet_print_end(printer);
    output_flush(&output);
    fclose(file);
    return text;
}

static void test_stamp(void)
{
    static const nsec times[] = {0,
                                 1,
                                 999999999,
                                 NSEC_S,
                                 951782399 * NSEC_S + 5,
                                 951782400 * NSEC_S,
                                 1764000001123456789,
                                 1764000001123456790,
                                 1764000000000000000,
                                 INT64_MAX};
    struct stamp stamp = {0};
    char text[STAMP_SIZE + 1] = "", want[RFC3339_STRLEN];

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *stamp_put(&stamp, text, times[i]) = '\0';
        is_str(text, words_time(times[i], want), "the time is written as elsewhere");
    }
}

static void test_line(void)
{
    struct captured_packet_printer printer = {.format = REPORT_TEXT};
    uint8_t data[256];
    struct captured_packet s;

    teredo_flows_decode_payload(
        data, hex_read(SAMPLE_ORIGIN SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS, data), &s);
    is_str(printed(&printer, &s),
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
    for (int verbose = 0; verbose < 2; verbose++) {
        struct captured_packet_printer printer = {.format = REPORT_TEXT, .verbose = verbose};
        const char *text = printed(&printer, &s);

        ok(strlen(text) > (verbose ? 120000 : 4000) && strlen(text) < PACKET_MAX_TEXT,
           "its text, %zu bytes, fits into a piece of output", strlen(text));
    }
    for (int format = REPORT_JSON; format <= REPORT_JSONL; format++)
        for (int single = 0; single < 2; single++) {
            struct captured_packet_printer printer = {.format = (enum report_format)format,
                                                      .single = single};
            const char *text;

            captured_packet_printer_file(&printer, name);
            text = printed(&printer, &s);
            ok(strlen(text) > 130000 && (format == REPORT_JSON || strlen(text) < OUTPUT_PIECE),
               "and so does its JSON, %zu bytes, even with a monstrous name", strlen(text));
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
         "\"file\":\"\\ufffda\""},
        {NULL, "\"file\":null"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct captured_packet_printer printer = {.format = REPORT_JSONL};
        uint8_t data[128];
        struct captured_packet s;

        teredo_flows_decode_payload(data, hex_read(SAMPLE_RS, data), &s);
        captured_packet_printer_file(&printer, rows[i][0]);
        ok(strstr(printed(&printer, &s), rows[i][1]) != NULL, "a file's name is %s", rows[i][1]);
    }
}

int main(void)
{
    test_stamp();
    test_line();
    test_largest(true);
    test_largest(false);
    test_file_names();
    return done_testing();
}
