/* The parser of `teredoctl addr`: the input is a line. What is an address is the same address once
 * it is written out and read again. */
#include <string.h>

#include "fuzz.h"
#include "report.h"

static void print_all(const struct address *a)
{
    static FILE *nowhere;
    struct event e = {.kind = EVENT_ADDRESS, .address = a};

    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    for (int format = REPORT_TEXT; format <= REPORT_TSV; format++) {
        struct report_config config = {.format = (enum report_format)format,
                                       .command = "addr",
                                       .verdict = EVENT_ADDRESS,
                                       .columns = TSV_ADDR,
                                       .out = nowhere,
                                       .err = nowhere,
                                       .many = true,
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
    char text[IP6_STRLEN];
    struct address address;

    address_examine((const char *)data, size, 1, &address);
    if (address.verdict != ADDRESS_INVALID) {
        size_t length = ip6_format(&address.ip6.address, text);
        struct ip6_text again;

        HOLDS(length < sizeof text && text[length] == '\0');
        HOLDS(ip6_parse(text, length, &again));
        HOLDS(ip6_equal(&again.address, &address.ip6.address));
    }
    if (address.verdict == ADDRESS_TEREDO) {
        struct in6_addr again;

        teredo_addr_encode(&address.teredo, &again);
        HOLDS(ip6_equal(&again, &address.ip6.address));
    }
    print_all(&address);
    return 0;
}
