#include "address.h"

#include "json_put.h"

enum {
    SHOWN_TEXT = 200 /* bytes of a text that is no address; each takes up to 6 */
};

#define LIST_BEGIN "{\n  \"schema\": 1,\n  \"command\": \"addr\",\n  \"results\": [\n"

static char *put_notes(char *p, const struct address *a)
{
    p = put_string(json_put_key(p, "notes"), "[");
    for (uint32_t left = a->notes; left != 0; left &= left - 1) {
        enum address_note note = (enum address_note)__builtin_ctz(left);

        p = put_string(p, "{\"code\":\"");
        p = put_string(p, address_note_code(note));
        p = put_string(p, "\",\"text\":\"");
        p = address_put_note(p, a, note);
        p = put_string(p, "\"}");
        if ((left & (left - 1)) != 0)
            *p++ = ',';
    }
    *p++ = ']';
    return p;
}

/* The keys that the verdict has, and null for the others: every object has the same keys. */
static char *put_parts(char *p, const struct address *a)
{
    bool valid = a->verdict != ADDRESS_INVALID;
    bool teredo = a->verdict == ADDRESS_TEREDO;
    bool flagged = teredo || a->identifier != IP6_IDENTIFIER_OTHER;
    bool mapped = teredo || a->identifier == IP6_IDENTIFIER_TEREDO;
    uint32_t ip4;

    p = valid ? json_put_pair(p, "kind", a->block->code) : json_put_null(p, "kind");
    p = valid ? json_put_pair(p, "prefix", a->block->prefix) : json_put_null(p, "prefix");
    if (valid && a->ip6.zone != NULL)
        p = json_put_string(json_put_key(p, "zone"), a->ip6.zone, a->ip6.zone_size);
    else
        p = json_put_null(p, "zone");
    p = teredo ? json_put_ip4(p, "server", a->teredo.server) : json_put_null(p, "server");
    p = flagged ? json_put_teredo_flags(p, a->teredo.flags) : json_put_null(p, "flags");
    p = mapped ? json_put_endpoint(p, "mapped", a->teredo.mapped) : json_put_null(p, "mapped");
    if (valid && ip6_block_ip4(a->block, &a->ip6.address, &ip4))
        p = json_put_ip4(p, "ip4", ip4);
    else
        p = json_put_null(p, "ip4");
    return put_notes(p, a);
}

/* What follows the first key of the object. */
static char *put_body(char *p, const struct address *a)
{
    p = json_put_key(p, "address");
    if (a->verdict == ADDRESS_INVALID) {
        p = json_put_string(p, a->text, a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT);
    } else {
        *p++ = '"';
        p += ip6_format(&a->ip6.address, p);
        *p++ = '"';
    }
    p = json_put_key(p, "line");
    p = a->line > 0 ? put_decimal(p, a->line) : put_string(p, "null");
    p = put_parts(p, a);
    *p++ = '}';
    return p;
}

static char *put_verdict(char *p, enum address_verdict verdict)
{
    p = put_string(p, "\"verdict\":\"");
    p = put_string(p, address_verdict_code(verdict));
    *p++ = '"';
    return p;
}

void address_print_json(struct address_printer *printer, const struct address *a)
{
    struct output *out = printer->out;
    char *start = output_reserve(out);
    char *p = start;

    if (printer->format == REPORT_JSON && printer->many) {
        p = put_string(p, printer->count == 0 ? LIST_BEGIN : ",\n");
        p = put_body(put_verdict(put_string(p, "    {"), a->verdict), a);
    } else {
        p = put_string(p, "{\"schema\":1,\"command\":\"addr\",");
        if (printer->format == REPORT_JSONL)
            p = put_string(p, "\"event\":\"address\",");
        p = put_body(put_verdict(p, a->verdict), a);
        if (printer->format == REPORT_JSON) {
            json_put_laid_out(out, start, (size_t)(p - start));
            p = out->data + out->size;
        } else {
            *p++ = '\n';
        }
    }
    printer->count++;
    output_advance(out, p);
}

void address_print_end(struct address_printer *printer)
{
    char *p;

    if (printer->format != REPORT_JSON || !printer->many || printer->count == 0)
        return;
    p = put_string(output_reserve(printer->out), "\n  ],\n  \"verdict\": \"");
    p = put_string(p, address_verdict_code(printer->worst));
    output_advance(printer->out, put_string(p, "\"\n}\n"));
}
