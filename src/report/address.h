/* What `teredoctl addr` says of an address: taken apart, judged, and printed. */
#ifndef REPORT_ADDRESS_H
#define REPORT_ADDRESS_H

#include "ip6_block.h"
#include "ip6_text.h"
#include "output.h"
#include "report.h"

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
    enum ip6_identifier identifier;
    uint32_t notes;
};

/* Takes the SIZE bytes of TEXT apart; OUT borrows them. */
void address_examine(const char *text, size_t size, unsigned long line, struct address *out);

const char *address_verdict_code(enum address_verdict verdict);
const char *address_note_code(enum address_note note);

/* Room for the longest note. */
enum {
    ADDRESS_NOTE_ROOM = 256
};

/* Puts the sentence of a note at P; returns what follows. */
char *address_put_note(char *p, const struct address *a, enum address_note note);

/* Puts the flags of a Teredo address, "0x2c5a, random 0x2c5a". */
char *address_put_flags(char *p, uint16_t flags);

/* Prints addresses one after another. */
struct address_printer {
    enum report_format format;
    bool quiet; /* no details, and no word about what is no address */
    bool many;  /* JSON: a list, however many there are */
    struct output *out;
    FILE *err;
    unsigned long count; /* paragraphs or objects so far */
    enum address_verdict worst;
};

void address_print(struct address_printer *printer, const struct address *a);

/* Ends what was begun (the JSON list); the caller then closes the output. */
void address_print_end(struct address_printer *printer);

/* The formats; only address.c calls them. */
void address_print_text(struct address_printer *printer, const struct address *a);
void address_print_json(struct address_printer *printer, const struct address *a);
void address_print_tsv(struct address_printer *printer, const struct address *a);

#endif
