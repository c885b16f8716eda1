/* What `teredoctl addr` says of an address: taken apart, judged, and printed. */
#ifndef EVENT_ADDRESS_H
#define EVENT_ADDRESS_H

#include "ip6_block.h"
#include "ip6_text.h"
#include "record.h"

/* In the order of severity. */
enum address_verdict {
    ADDRESS_TEREDO,
    ADDRESS_NOT_TEREDO,
    ADDRESS_INVALID
};

/* What is worth a remark; a bit each in struct address. */
enum address_note {
    NOTE_OLD_PREFIX,
    NOTE_SERVER_NOT_GLOBAL, /* by RFC 4380 5.2.4 */
    NOTE_SERVER_SPECIAL,    /* passes that, and yet is no ordinary address */
    NOTE_CLIENT_NOT_GLOBAL,
    NOTE_CLIENT_SPECIAL,
    NOTE_MAPPED_PORT_ZERO,
    NOTE_NO_RANDOM_FLAGS,
    NOTE_CONE_BIT,
    NOTE_RESERVED_BIT,
    NOTE_UNIVERSAL_BIT,
    NOTE_GROUP_BIT,
    NOTE_COUNT
};

struct address {
    enum address_verdict verdict;
    const char *text; /* as given; borrowed, not NUL-terminated */
    size_t size;
    unsigned long line;            /* of the stream; 0 = no stream */
    struct ip6_text ip6;           /* unless invalid, as all that follows */
    const struct ip6_block *block; /* what it is */
    struct teredo_addr teredo;     /* flags and mapped: of a Teredo identifier too */
    const char *server_block; /* of a Teredo address: the special block of its IPv4 addresses */
    const char *client_block;
    enum ip6_identifier identifier;
    uint32_t notes;
};

/* Takes the SIZE bytes of TEXT apart; OUT borrows them. */
void address_examine(const char *text, size_t size, unsigned long line, struct address *out);

/* The sentence of a note. */
struct text_parts address_note_text(const struct address *a, enum address_note note);

extern const struct words address_verdicts;
extern const struct words address_notes; /* the code alone */
extern const struct record_type address_record;

#endif
