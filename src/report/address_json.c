#include "address.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum {
    SHOWN_TEXT = 200 /* bytes of a text that is no address; each takes up to 6 */
};

#define LIST_BEGIN "{\n  \"schema\": 1,\n  \"command\": \"addr\",\n  \"results\": [\n"

/* A JSON string of any bytes; those that are not ASCII become U+FFFD. */
static char *put_json_string(char *p, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    *p++ = '"';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\') {
            *p++ = '\\';
            *p++ = (char)c;
        } else if (c < 0x20) {
            p = put_string(p, "\\u00");
            *p++ = digits[c >> 4];
            *p++ = digits[c & 0xf];
        } else if (c >= 0x80) {
            p = put_string(p, "\\ufffd");
        } else {
            *p++ = (char)c;
        }
    }
    *p++ = '"';
    return p;
}

static char *put_key(char *p, const char *key)
{
    *p++ = ',';
    *p++ = '"';
    p = put_string(p, key);
    *p++ = '"';
    *p++ = ':';
    return p;
}

/* A key whose value is a string that needs no escapes. */
static char *put_pair(char *p, const char *key, const char *value)
{
    p = put_key(p, key);
    *p++ = '"';
    p = put_string(p, value);
    *p++ = '"';
    return p;
}

static char *put_ip4_pair(char *p, const char *key, uint32_t address)
{
    char text[IP4_STRLEN];

    return put_pair(p, key, ip4_format(address, text));
}

static char *put_flag(char *p, const char *key, bool set)
{
    return put_string(put_key(p, key), set ? "true" : "false");
}

static char *put_flags(char *p, uint16_t flags)
{
    p = put_hex16(put_string(put_key(p, "flags"), "{\"value\":\""), flags);
    *p++ = '"';
    p = put_flag(p, "cone", (flags & TEREDO_FLAG_CONE) != 0);
    p = put_flag(p, "reserved", (flags & TEREDO_FLAG_RESERVED) != 0);
    p = put_flag(p, "universal", (flags & TEREDO_FLAG_UNIVERSAL) != 0);
    p = put_flag(p, "group", (flags & TEREDO_FLAG_GROUP) != 0);
    p = put_hex16(put_string(p, ",\"random\":\""), flags & TEREDO_FLAGS_RANDOM);
    return put_string(p, "\"}");
}

static char *put_mapped(char *p, struct endpoint mapped)
{
    char text[IP4_STRLEN];

    p = put_string(put_key(p, "mapped"), "{\"address\":\"");
    p = put_string(p, ip4_format(mapped.address, text));
    p = put_decimal(put_string(p, "\",\"port\":"), mapped.port);
    *p++ = '}';
    return p;
}

static char *put_notes(char *p, const struct address *a)
{
    p = put_string(put_key(p, "notes"), "[");
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

static char *put_null(char *p, const char *key)
{
    return put_string(put_key(p, key), "null");
}

/* The keys that the verdict has, and null for the others: every object has the same keys. */
static char *put_parts(char *p, const struct address *a)
{
    bool valid = a->verdict != ADDRESS_INVALID;
    bool teredo = a->verdict == ADDRESS_TEREDO;
    bool flagged = teredo || a->identifier != IP6_IDENTIFIER_OTHER;
    bool mapped = teredo || a->identifier == IP6_IDENTIFIER_TEREDO;
    uint32_t ip4;

    p = valid ? put_pair(p, "kind", a->block->code) : put_null(p, "kind");
    p = valid ? put_pair(p, "prefix", a->block->prefix) : put_null(p, "prefix");
    if (valid && a->ip6.zone != NULL)
        p = put_json_string(put_key(p, "zone"), a->ip6.zone, a->ip6.zone_size);
    else
        p = put_null(p, "zone");
    p = teredo ? put_ip4_pair(p, "server", a->teredo.server) : put_null(p, "server");
    p = flagged ? put_flags(p, a->teredo.flags) : put_null(p, "flags");
    p = mapped ? put_mapped(p, a->teredo.mapped) : put_null(p, "mapped");
    if (valid && ip6_block_ip4(a->block, &a->ip6.address, &ip4))
        p = put_ip4_pair(p, "ip4", ip4);
    else
        p = put_null(p, "ip4");
    return put_notes(p, a);
}

/* What follows the first key of the object. */
static char *put_body(char *p, const struct address *a)
{
    p = put_key(p, "address");
    if (a->verdict == ADDRESS_INVALID) {
        p = put_json_string(p, a->text, a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT);
    } else {
        *p++ = '"';
        p += ip6_format(&a->ip6.address, p);
        *p++ = '"';
    }
    p = put_key(p, "line");
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

/* `json` of a single address: the object of `jsonl`, laid out for people by jansson. */
static void print_laid_out(struct output *out, const char *text, size_t size)
{
    json_t *object = json_loadb(text, size, 0, NULL);
    char *laid_out = json_dumps(object, JSON_INDENT(2));

    if (laid_out == NULL) {
        out->errnum = ENOMEM;
    } else {
        output_text(out, laid_out);
        output_text(out, "\n");
    }
    free(laid_out);
    json_decref(object);
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
            print_laid_out(out, start, (size_t)(p - start));
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
