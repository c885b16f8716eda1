/* The Teredo decoder: the input is a UDP payload. What decodes encodes to the same bytes again, and
 * what was cut decodes no further than the whole. */
#include <string.h>

#include "fuzz.h"
#include "report.h"
#include "teredo_flows.h"

enum {
    MAX_PAYLOAD = 65507
};

static void check_round_trip(const uint8_t *data, size_t size, const struct teredo_packet *p)
{
    static uint8_t again[MAX_PAYLOAD];
    struct writer w = writer_of(again, sizeof again);

    /* Encodings are canonical but for an authentication header behind an origin indication, which
     * the decoder refuses, trailers beyond the room and junk. */
    if (p->trailer_count > TEREDO_MAX_TRAILERS)
        return;
    teredo_encode(&w, p);
    HOLDS(!w.failed);
    HOLDS(w.size == size - p->junk_size);
    HOLDS(memcmp(again, data, w.size) == 0);
}

static void check_cuts(const uint8_t *data, size_t size, enum teredo_extent whole)
{
    size_t cut = size > 0 ? data[size - 1] % size : 0;
    uint8_t *copy = malloc(cut > 0 ? cut : 1);
    struct teredo_packet p;
    struct wire_fault fault;

    if (copy == NULL)
        return;
    memcpy(copy, data, cut);
    HOLDS(teredo_decode_part(copy, cut, size, &p, &fault) <= TEREDO_WHOLE);
    HOLDS(whole == TEREDO_NOTHING ||
          teredo_decode_part(copy, 0, size, &p, &fault) == TEREDO_NOTHING);
    HOLDS(fault.offset <= size);
    free(copy);
}

static void print_all(const struct captured_packet *s)
{
    static FILE *nowhere;
    struct event e = {.kind = EVENT_PACKET, .packet = s};

    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    for (int format = REPORT_TEXT; format <= REPORT_TSV; format++) {
        struct report_config config = {.format = (enum report_format)format,
                                       .command = "decode",
                                       .verdict = EVENT_PACKET,
                                       .columns = TSV_DECODE,
                                       .out = nowhere,
                                       .err = nowhere,
                                       .verbose = true,
                                       .buffered = true};
        struct reporter *r = reporter_new(&config);
        struct event_sink sink = reporter_sink(r);
        struct error error;

        sink.emit(sink.context, &e);
        HOLDS(reporter_close(r, &error) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct captured_packet s;
    struct teredo_packet p;
    struct wire_fault fault;
    bool good;

    if (size > MAX_PAYLOAD)
        return 0;
    good = teredo_decode(data, size, &p, &fault);
    HOLDS(good == teredo_flows_decode_payload(data, size, &s));
    HOLDS(good || fault.reason != WIRE_OK);
    HOLDS(fault.offset <= size);
    if (good)
        check_round_trip(data, size, &p);
    check_cuts(data, size, s.extent);
    print_all(&s);
    return 0;
}
