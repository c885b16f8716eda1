/* `teredoctl decode --hex`: one UDP payload from the command line. */
#ifndef CMD_DECODE_HEX_H
#define CMD_DECODE_HEX_H

#include <stdbool.h>

#include "captured_packet_report.h"
#include "error.h"

/* Decodes and prints the payload in the hexadecimal digits of HEX. Unless QUIET, what makes it no
 * Teredo packet is also told on standard error. The exit status, or -1, ERROR filled, if HEX is
 * something else. */
int decode_hex(struct captured_packet_printer *printer, const char *hex, bool quiet,
               struct error *error);

#endif
