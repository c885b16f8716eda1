#include "address.h"

#include <string.h>

#include "captured_packet.h"

enum {
    SHOWN_TEXT = 200 /* bytes of a text that is no address */
};

static uint32_t bit(enum address_note note)
{
    return UINT32_C(1) << note;
}

/* Whatever is not global unicast has a block of a name, *BLOCK. */
static uint32_t ip4_note(uint32_t address, const char **block, enum address_note not_global,
                         enum address_note special)
{
    bool global_unicast;

    *block = ip4_look_up(address, &global_unicast);
    return *block == NULL ? 0 : bit(global_unicast ? special : not_global);
}

static uint32_t find_notes(struct address *a)
{
    const struct teredo_addr *t = &a->teredo;
    uint32_t notes =
        ip4_note(t->server, &a->server_block, NOTE_SERVER_NOT_GLOBAL, NOTE_SERVER_SPECIAL) |
        ip4_note(t->mapped.address, &a->client_block, NOTE_CLIENT_NOT_GLOBAL, NOTE_CLIENT_SPECIAL);

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
        out->notes = find_notes(out);
        return;
    }
    out->verdict = ADDRESS_NOT_TEREDO;
    out->identifier = ip6_identifier_of(&out->ip6.address, &out->teredo.flags, &out->teredo.mapped);
}

static const struct wording verdicts[] = {
    [ADDRESS_TEREDO] = {"teredo"},
    [ADDRESS_NOT_TEREDO] = {"not_teredo"},
    [ADDRESS_INVALID] = {"invalid"},
};

const struct words address_verdicts = WORDS("address_verdict", verdicts);

/* A note on an IPv4 address names its block, between its text and what `advice` holds here. */
static const struct wording notes[NOTE_COUNT] = {
    [NOTE_OLD_PREFIX] = {"old_prefix", "the prefix is the 6bone's, in use until 2006"},
    [NOTE_SERVER_NOT_GLOBAL] = {"server_not_global", "the server is not global unicast (",
                                "): nothing may be sent to it (RFC 4380 5.2.4)"},
    [NOTE_SERVER_SPECIAL] = {"server_special", "the server is a special address (", ")"},
    [NOTE_CLIENT_NOT_GLOBAL] = {"client_not_global", "the mapped address is not global unicast (",
                                "): nothing may be sent to it (RFC 4380 5.2.4)"},
    [NOTE_CLIENT_SPECIAL] = {"client_special", "the mapped address is a special address (", ")"},
    [NOTE_MAPPED_PORT_ZERO] = {"mapped_port_zero",
                               "the mapped port is 0: nothing can be sent to it"},
    [NOTE_NO_RANDOM_FLAGS] = {"no_random_flags",
                              "no random flags: mapped address and port are enough to guess this "
                              "address (RFC 5991)"},
    [NOTE_CONE_BIT] = {"cone_bit",
                       "the cone bit is set: deprecated, no peer may rely on it (RFC 5991)"},
    [NOTE_RESERVED_BIT] = {"reserved_bit", "the reserved flag 0x4000 is set (RFC 5991: 0)"},
    [NOTE_UNIVERSAL_BIT] = {"universal_bit",
                            "the universal flag 0x0200 is set (RFC 4380 4: should be 0)"},
    [NOTE_GROUP_BIT] = {"group_bit", "the group flag 0x0100 is set (RFC 4380 4: should be 0)"},
};

const struct words address_notes = WORDS("address_note", notes);

struct text_parts address_note_text(const struct address *a, enum address_note note)
{
    const struct wording *words = &notes[note];
    bool server = note == NOTE_SERVER_NOT_GLOBAL || note == NOTE_SERVER_SPECIAL;

    if (words->advice == NULL)
        return (struct text_parts){{words->text, "", ""}};
    return (struct text_parts){
        {words->text, server ? a->server_block : a->client_block, words->advice}};
}

/* A note as it is told. */
struct note_row {
    enum address_note note;
    struct text_parts text;
};

static const struct field note_fields[] = {
    {KEY("code"), FIELD_CODE, AT(struct note_row, note), .words = &address_notes,
     .flags = FIELD_IN_LIST},
    {KEY("text"), FIELD_PARTS, AT(struct note_row, text)},
};

static const struct record_type note_record = RECORD_TYPE("note_on_address", note_fields);

static size_t count_notes(const void *record)
{
    size_t count = 0;

    for (uint32_t left = ((const struct address *)record)->notes; left != 0; left &= left - 1)
        count++;
    return count;
}

static const void *note_item(const void *record, size_t i, union field_room *room)
{
    const struct address *a = record;
    struct note_row *row = (struct note_row *)(void *)room;
    uint32_t left = a->notes;

    while (i-- > 0)
        left &= left - 1;
    row->note = (enum address_note)__builtin_ctz(left);
    row->text = address_note_text(a, row->note);
    return row;
}

static const void *shown(const void *record, const struct run_facts *run, union field_room *room)
{
    const struct address *a = record;
    struct shown_address *s = (struct shown_address *)(void *)room;

    (void)run;
    s->ip6 = a->verdict == ADDRESS_INVALID ? NULL : &a->ip6.address;
    s->text = (struct text_piece){a->text, a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT};
    return s;
}

static const void *embedded_ip4(const void *record, const struct run_facts *run,
                                union field_room *room)
{
    const struct address *a = record;

    (void)run;
    return ip6_block_ip4(a->block, &a->ip6.address, (uint32_t *)(void *)room) ? room : NULL;
}

RECORD_TEST(is_valid, struct address, r->verdict != ADDRESS_INVALID)
RECORD_TEST(is_teredo, struct address, r->verdict == ADDRESS_TEREDO)
RECORD_TEST(has_flags, struct address,
            r->verdict == ADDRESS_TEREDO || r->identifier != IP6_IDENTIFIER_OTHER)
RECORD_TEST(has_mapped, struct address,
            r->verdict == ADDRESS_TEREDO || r->identifier == IP6_IDENTIFIER_TEREDO)
RECORD_VALUE(kind, struct address, const char *, r->block->code)
RECORD_VALUE(prefix, struct address, const char *, r->block->prefix)
RECORD_VALUE(zone, struct address, struct text_piece,
             ((struct text_piece){r->ip6.zone, r->ip6.zone_size}))

static const struct words address_kinds = {
    .name = "address_kind", .count = IP6_BLOCKS, .code = ip6_block_code};

static const struct field fields[] = {
    {KEY("verdict"), FIELD_CODE, AT(struct address, verdict), .words = &address_verdicts},
    {KEY("address"), FIELD_SHOWN, FOUND(struct shown_address, shown)},
    {KEY("line"), FIELD_COUNT, AT(struct address, line), .flags = FIELD_ZERO_IS_NULL},
    {KEY("kind"), FIELD_TEXT, FOUND(const char *, kind), .known = is_valid,
     .words = &address_kinds},
    {KEY("prefix"), FIELD_TEXT, FOUND(const char *, prefix), .known = is_valid},
    {KEY("zone"), FIELD_PIECE, FOUND(struct text_piece, zone), .known = is_valid,
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("server"), FIELD_IP4, AT(struct address, teredo.server), .known = is_teredo},
    {KEY("flags"), FIELD_RECORD, AT(struct address, teredo.flags), .known = has_flags,
     .record = &teredo_flags_record},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct address, teredo.mapped), .known = has_mapped},
    {KEY("ip4"), FIELD_IP4, FOUND(uint32_t, embedded_ip4), .known = is_valid,
     .flags = FIELD_NULLABLE},
    {KEY("notes"), FIELD_LIST, .record = &note_record, .count = count_notes, .item = note_item},
};

const struct record_type address_record = RECORD_TYPE("address", fields);
