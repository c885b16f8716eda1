#include "decode_hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "teredo_flows.h"

/* Digits in pairs, with blanks or colons between them if need be; how many bytes, or -1. */
static long read_hex(const char *text, uint8_t *out, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = 0;

    for (text += strspn(text, " :\t\n"); *text != '\0'; text += strspn(text, " :\t\n")) {
        const char *high = strchr(digits, *text | 0x20), *low;

        if (high == NULL || text[1] == '\0' || (low = strchr(digits, text[1] | 0x20)) == NULL ||
            count == room)
            return -1;
        out[count++] = (uint8_t)((high - digits) << 4 | (low - digits));
        text += 2;
    }
    return (long)count;
}

int decode_hex(struct captured_packet_printer *printer, const char *hex, bool quiet,
               struct error *error)
{
    uint8_t *data = malloc(UINT16_MAX);
    struct captured_packet s;
    long size;
    bool good;

    if (data == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    size = read_hex(hex, data, UINT16_MAX);
    if (size < 0) {
        free(data);
        error_set(error, EX_USAGE, 0, "--hex: not pairs of hexadecimal digits, at most 65535");
        return error_hint(error, "the UDP payload, such as tshark -T fields -e udp.payload prints");
    }
    good = teredo_flows_decode_payload(data, (size_t)size, &s);
    printer->single = true;
    captured_packet_print(printer, &s);
    captured_packet_print_end(printer);
    output_flush(printer->out);
    if (!good && !quiet)
        fprintf(stderr, "teredoctl decode: no Teredo packet: %s (byte %zu)\n",
                wire_reason_text(s.problems[0].reason), s.problems[0].offset);
    free(data);
    return good ? EX_OK : EX_DATAERR;
}
