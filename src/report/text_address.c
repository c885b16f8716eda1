#include "foreign.h"
#include "packet.h"
#include "reporter.h"

enum {
    ADDRESS_ROOM = 8192 /* the most that an address takes, all its notes included */
};

/* Two blanks, the name, blanks up to the column of the values. Literals: put_string then copies a
 * known number of bytes. */
#define NAME_SERVER "  server           "
#define NAME_MAPPED "  mapped           "
#define NAME_FLAGS "  flags            "
#define NAME_PREFIX "  prefix           "
#define NAME_NOTE "  note             "
#define NAME_IPV4 "  ipv4             "
#define NAME_IDENTIFIER "  identifier       "
#define NAME_ZONE "  zone             "

char *put_teredo_flags(char *p, uint16_t flags)
{
    p = put_hex16(p, flags);
    if (flags & TEREDO_FLAG_CONE)
        p = put_string(p, ", cone");
    if (flags & TEREDO_FLAG_RESERVED)
        p = put_string(p, ", reserved");
    if (flags & TEREDO_FLAG_UNIVERSAL)
        p = put_string(p, ", universal");
    if (flags & TEREDO_FLAG_GROUP)
        p = put_string(p, ", group");
    if (flags & TEREDO_FLAGS_RANDOM)
        p = put_hex16(put_string(p, ", random "), flags & TEREDO_FLAGS_RANDOM);
    return p;
}

static char *put_flags(char *p, uint16_t flags)
{
    p = put_teredo_flags(put_string(p, NAME_FLAGS), flags);
    *p++ = '\n';
    return p;
}

static char *put_teredo(char *p, const struct address *a)
{
    p = put_ip4(put_string(p, NAME_SERVER), a->teredo.server);
    *p++ = '\n';
    p = put_endpoint(put_string(p, NAME_MAPPED), a->teredo.mapped);
    *p++ = '\n';
    p = put_flags(p, a->teredo.flags);
    p = put_string(put_string(p, NAME_PREFIX), a->block->prefix);
    *p++ = '\n';
    for (uint32_t left = a->notes; left != 0; left &= left - 1) {
        struct text_parts note = address_note_text(a, (enum address_note)__builtin_ctz(left));

        p = put_string(p, NAME_NOTE);
        for (unsigned i = 0; i < 3; i++)
            p = put_string(p, note.parts[i]);
        *p++ = '\n';
    }
    return p;
}

static char *put_other(char *p, const struct address *a)
{
    uint32_t ip4;

    if (ip6_block_ip4(a->block, &a->ip6.address, &ip4)) {
        p = put_ip4(put_string(p, NAME_IPV4), ip4);
        *p++ = '\n';
    }
    switch (a->identifier) {
    case IP6_IDENTIFIER_OTHER:
        break;
    case IP6_IDENTIFIER_TEREDO:
        p = put_string(p, NAME_IDENTIFIER "as of a Teredo server or client at ");
        p = put_endpoint(p, a->teredo.mapped);
        *p++ = '\n';
        p = put_flags(p, a->teredo.flags);
        break;
    case IP6_IDENTIFIER_CLIENT:
        p = put_string(p, NAME_IDENTIFIER
                       "as of a Teredo client that asks a server for its address\n");
        p = put_flags(p, a->teredo.flags);
        break;
    }
    return p;
}

/* An address to a paragraph; when quiet, to a line. */
void text_address(struct reporter *r, const struct event *e)
{
    const struct address *a = e->address;
    char *p = text_buffer_reserve(&r->buffer, ADDRESS_ROOM);

    if (a->verdict == ADDRESS_INVALID)
        return;
    if (r->list_open && !r->config.quiet)
        *p++ = '\n';
    r->list_open = true;
    p = put_ip6(p, &a->ip6.address);
    if (a->verdict == ADDRESS_TEREDO) {
        p = put_string(p, " is a Teredo address\n");
    } else {
        p = put_string(p, " is not a Teredo address: ");
        p = put_string(p, a->block->text);
        p = put_string(p, " (");
        p = put_string(p, a->block->prefix);
        p = put_string(p, ")\n");
    }
    if (!r->config.quiet) {
        p = a->verdict == ADDRESS_TEREDO ? put_teredo(p, a) : put_other(p, a);
        if (a->ip6.zone != NULL) {
            p = put_string(p, NAME_ZONE);
            memcpy(p, a->ip6.zone, a->ip6.zone_size);
            p += foreign_clean(p, a->ip6.zone_size);
            *p++ = '\n';
        }
    }
    text_buffer_advance(&r->buffer, p);
}
