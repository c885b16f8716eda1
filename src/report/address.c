#include "address.h"

enum {
    SHOWN_TEXT = 60 /* bytes of a text that is no address */
};

static uint32_t bit(enum address_note note)
{
    return UINT32_C(1) << note;
}

static uint32_t ip4_note(uint32_t address, enum address_note not_global, enum address_note special)
{
    /* Whatever is not global unicast has a block of a name. */
    if (ip4_special_block(address) == NULL)
        return 0;
    return bit(ip4_is_global_unicast(address) ? special : not_global);
}

static uint32_t find_notes(const struct teredo_addr *t)
{
    uint32_t notes = ip4_note(t->server, NOTE_SERVER_NOT_GLOBAL, NOTE_SERVER_SPECIAL) |
                     ip4_note(t->mapped.address, NOTE_CLIENT_NOT_GLOBAL, NOTE_CLIENT_SPECIAL);

    if (t->prefix == TEREDO_PREFIX_OLD)
        notes |= bit(NOTE_OLD_PREFIX);
    if (t->mapped.port == 0)
        notes |= bit(NOTE_MAPPED_PORT_ZERO);
    if ((t->flags & TEREDO_FLAGS_RANDOM) == 0)
        notes |= bit(NOTE_NO_RANDOM_FLAGS);
    if (t->flags & TEREDO_FLAG_CONE)
        notes |= bit(NOTE_CONE_BIT);
    if (t->flags & TEREDO_FLAG_RESERVED)
        notes |= bit(NOTE_RESERVED_BIT);
    if (t->flags & TEREDO_FLAG_UNIVERSAL)
        notes |= bit(NOTE_UNIVERSAL_BIT);
    if (t->flags & TEREDO_FLAG_GROUP)
        notes |= bit(NOTE_GROUP_BIT);
    return notes;
}

void address_examine(const char *text, size_t size, unsigned long line, struct address *out)
{
    out->text = text;
    out->size = size;
    out->line = line;
    out->notes = 0;
    out->identifier = IP6_IDENTIFIER_OTHER;
    if (!ip6_parse(text, size, &out->ip6)) {
        out->verdict = ADDRESS_INVALID;
        return;
    }
    out->block = ip6_block_of(&out->ip6.address);
    if (teredo_addr_decode(&out->ip6.address, &out->teredo)) {
        out->verdict = ADDRESS_TEREDO;
        out->notes = find_notes(&out->teredo);
        return;
    }
    out->verdict = ADDRESS_NOT_TEREDO;
    out->identifier = ip6_identifier_of(&out->ip6.address, &out->teredo.flags, &out->teredo.mapped);
}

const char *address_verdict_code(enum address_verdict verdict)
{
    switch (verdict) {
    case ADDRESS_TEREDO:
        return "teredo";
    case ADDRESS_NOT_TEREDO:
        return "not_teredo";
    case ADDRESS_INVALID:
        return "invalid";
    }
    return "unknown";
}

/* A note on an IPv4 address names its block, between text and tail. */
static const struct {
    const char *code;
    const char *text;
    const char *tail;
} notes[NOTE_COUNT] = {
    [NOTE_OLD_PREFIX] = {"old_prefix", "the prefix is the 6bone's, in use until 2006", ""},
    [NOTE_SERVER_NOT_GLOBAL] = {"server_not_global", "the server is not global unicast (",
                                "): nothing may be sent to it (RFC 4380 5.2.4)"},
    [NOTE_SERVER_SPECIAL] = {"server_special", "the server is a special address (", ")"},
    [NOTE_CLIENT_NOT_GLOBAL] = {"client_not_global", "the mapped address is not global unicast (",
                                "): nothing may be sent to it (RFC 4380 5.2.4)"},
    [NOTE_CLIENT_SPECIAL] = {"client_special", "the mapped address is a special address (", ")"},
    [NOTE_MAPPED_PORT_ZERO] = {"mapped_port_zero",
                               "the mapped port is 0: nothing can be sent to it", ""},
    [NOTE_NO_RANDOM_FLAGS] = {"no_random_flags",
                              "no random flags: mapped address and port are enough to guess this "
                              "address (RFC 5991)",
                              ""},
    [NOTE_CONE_BIT] = {"cone_bit",
                       "the cone bit is set: deprecated, no peer may rely on it (RFC 5991)", ""},
    [NOTE_RESERVED_BIT] = {"reserved_bit", "the reserved flag 0x4000 is set (RFC 5991: 0)", ""},
    [NOTE_UNIVERSAL_BIT] = {"universal_bit",
                            "the universal flag 0x0200 is set (RFC 4380 4: should be 0)", ""},
    [NOTE_GROUP_BIT] = {"group_bit", "the group flag 0x0100 is set (RFC 4380 4: should be 0)", ""},
};

const char *address_note_code(enum address_note note)
{
    return notes[note].code;
}

char *address_put_note(char *p, const struct address *a, enum address_note note)
{
    p = put_string(p, notes[note].text);
    if (note == NOTE_SERVER_NOT_GLOBAL || note == NOTE_SERVER_SPECIAL)
        p = put_string(p, ip4_special_block(a->teredo.server));
    if (note == NOTE_CLIENT_NOT_GLOBAL || note == NOTE_CLIENT_SPECIAL)
        p = put_string(p, ip4_special_block(a->teredo.mapped.address));
    return put_string(p, notes[note].tail);
}

/* On the diagnostics stream, in its place among the results. */
static void tell_invalid(struct address_printer *printer, const struct address *a)
{
    char shown[SHOWN_TEXT + 1], quads[IP4_STRLEN];
    size_t size = a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT;
    uint32_t ip4;
    bool is_ip4;

    for (size_t i = 0; i < size; i++)
        shown[i] = (char)(a->text[i] < ' ' || a->text[i] > '~' ? '?' : a->text[i]);
    shown[size] = '\0';
    is_ip4 = a->size < sizeof quads && ip4_parse(shown, &ip4);
    output_flush(printer->out);
    fprintf(printer->err, "teredoctl addr: ");
    if (a->line > 0)
        fprintf(printer->err, "line %lu: ", a->line);
    fprintf(printer->err, "'%s%s' is %s\n", shown, a->size > size ? "..." : "",
            is_ip4 ? "an IPv4 address; Teredo addresses are IPv6 addresses"
                   : "not an IPv6 address");
}

void address_print(struct address_printer *printer, const struct address *a)
{
    if (a->verdict > printer->worst)
        printer->worst = a->verdict;
    if (a->verdict == ADDRESS_INVALID && !printer->quiet)
        tell_invalid(printer, a);
    switch (printer->format) {
    case REPORT_TEXT:
        address_print_text(printer, a);
        break;
    case REPORT_JSON:
    case REPORT_JSONL:
        address_print_json(printer, a);
        break;
    case REPORT_TSV:
        address_print_tsv(printer, a);
        break;
    case REPORT_LADDER:
    case REPORT_MERMAID:
    case REPORT_SVG:
    case REPORT_OPENMETRICS:
        break; /* not among the formats of addresses */
    }
}
