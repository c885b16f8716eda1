#include "address.h"
#include "tsv.h"

enum {
    SHOWN_TEXT = 200 /* bytes of a text that is no address */
};

static char *put_notes(char *p, const struct address *a)
{
    for (uint32_t left = a->notes; left != 0; left &= left - 1) {
        p = put_string(p, address_note_code((enum address_note)__builtin_ctz(left)));
        *p++ = ',';
    }
    if (a->notes == 0)
        return tsv_put_string(p, NULL);
    p[-1] = '\t';
    return p;
}

/* The columns are those of tsv.c. */
void address_print_tsv(struct address_printer *printer, const struct address *a)
{
    bool valid = a->verdict != ADDRESS_INVALID;
    bool teredo = a->verdict == ADDRESS_TEREDO;
    bool flagged = teredo || a->identifier != IP6_IDENTIFIER_OTHER;
    bool mapped = teredo || a->identifier == IP6_IDENTIFIER_TEREDO;
    bool has_zone = valid && a->ip6.zone != NULL;
    char *p = tsv_put_string(output_reserve(printer->out), address_verdict_code(a->verdict));
    char text[IP6_STRLEN];
    uint32_t ip4;

    if (valid)
        p = tsv_put_text(p, text, (size_t)ip6_format(&a->ip6.address, text));
    else
        p = tsv_put_text(p, a->text, a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT);
    p = tsv_put_string(p, valid ? a->block->code : NULL);
    p = tsv_put_string(p, valid ? a->block->prefix : NULL);
    p = tsv_put_string(p, teredo ? ip4_format(a->teredo.server, text) : NULL);
    p = mapped ? tsv_put_endpoint(p, a->teredo.mapped) : tsv_put_string(p, NULL);
    *put_hex16(text, a->teredo.flags) = '\0';
    p = tsv_put_string(p, flagged ? text : NULL);
    p = tsv_put_string(
        p, valid && ip6_block_ip4(a->block, &a->ip6.address, &ip4) ? ip4_format(ip4, text) : NULL);
    p = put_notes(p, a);
    p = a->line > 0 ? tsv_put_number(p, a->line) : tsv_put_string(p, NULL);
    p = tsv_put_text(p, a->ip6.zone, has_zone ? a->ip6.zone_size : 0);
    p[-1] = '\n';
    output_advance(printer->out, p);
}
