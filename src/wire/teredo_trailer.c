#include "teredo_trailer.h"

#include "bytes.h"

enum {
    TRAILER_HEADER_SIZE = 2,
    NONCE_SIZE = 4,
    ND_SIZE = 4,
    RANDOM_PORT_SIZE = 2,
    ALTERNATE_RESERVED_SIZE = 2,
    ALTERNATE_SIZE = 6,
    TYPE_CLASS_MASK = 0xc0,
    TYPE_MUST_DISCARD = 0x40,
};

/* Reads the addresses of an alternate address trailer; how many, 0 if it is malformed:
 *
 *     +-------------------------------+-------------------------------+
 *   0 |           Reserved            |                               |
 *     +-------------------------------+ IPv4 address, not obfuscated  |
 *   4 |                               |             Port              | 1 to 4 times
 *     +-------------------------------+-------------------------------+
 */
static unsigned read_alternates(const struct teredo_trailer *trailer,
                                struct endpoint out[static TEREDO_MAX_ALTERNATES])
{
    struct reader r = reader_of(trailer->value, trailer->size);
    unsigned count = 0;

    reader_take(&r, ALTERNATE_RESERVED_SIZE);
    while (reader_left(&r) > 0 && count < TEREDO_MAX_ALTERNATES) {
        out[count].address = reader_u32(&r);
        out[count].port = reader_u16(&r);
        if (out[count].port == 0)
            return 0;
        count++;
    }
    return r.failed || reader_left(&r) > 0 ? 0 : count;
}

static bool is_known(uint8_t type)
{
    return type == TRAILER_NONCE || type == TRAILER_ALTERNATE_ADDRESS ||
           type == TRAILER_ND_OPTION || type == TRAILER_RANDOM_PORT;
}

/* True if the trailer has the form that its type asks for; any form will do for unknown types. */
static bool is_well_formed(const struct teredo_trailer *trailer)
{
    struct endpoint alternates[TEREDO_MAX_ALTERNATES];

    switch (trailer->type) {
    case TRAILER_NONCE:
        return trailer->size == NONCE_SIZE;
    case TRAILER_ALTERNATE_ADDRESS:
        return read_alternates(trailer, alternates) > 0;
    case TRAILER_ND_OPTION:
        return trailer->size == ND_SIZE;
    case TRAILER_RANDOM_PORT:
        return trailer->size == RANDOM_PORT_SIZE;
    default:
        return true;
    }
}

/* RFC 6081, each trailer:
 *
 *     +---------------+---------------+-----------
 *   0 |     Type      |    Length     | Value (Length bytes)
 *     +---------------+---------------+-----------
 */
bool teredo_trailers_decode(struct reader *r, struct teredo_packet *out, struct wire_fault *fault)
{
    bool discard = false;

    while (reader_left(r) > 0) {
        struct reader next = *r;
        struct teredo_trailer trailer;

        trailer.type = reader_u8(&next);
        trailer.size = reader_u8(&next);
        trailer.value = reader_take(&next, trailer.size);
        if (trailer.value == NULL || !is_well_formed(&trailer)) {
            out->junk_offset = r->offset;
            out->junk_size = reader_left(r);
            if (!discard)
                wire_fail(fault, WIRE_TRAILER_LENGTH, r->offset);
            break;
        }
        /* What else there is matters to those who want to show it. */
        if (!discard && !is_known(trailer.type) &&
            (trailer.type & TYPE_CLASS_MASK) == TYPE_MUST_DISCARD)
            discard = !wire_fail(fault, WIRE_TRAILER_MUST_DISCARD, r->offset);
        if (out->trailer_count < TEREDO_MAX_TRAILERS)
            out->trailers[out->trailer_count] = trailer;
        out->trailer_count++;
        *r = next;
    }
    return !discard;
}

static unsigned kept(const struct teredo_packet *p)
{
    return p->trailer_count < TEREDO_MAX_TRAILERS ? p->trailer_count : TEREDO_MAX_TRAILERS;
}

void teredo_trailers_encode(struct writer *w, const struct teredo_packet *p)
{
    for (unsigned i = 0; i < kept(p); i++) {
        writer_u8(w, p->trailers[i].type);
        writer_u8(w, p->trailers[i].size);
        writer_bytes(w, p->trailers[i].value, p->trailers[i].size);
    }
}

const struct teredo_trailer *teredo_find_trailer(const struct teredo_packet *p, uint8_t type)
{
    for (unsigned i = 0; i < kept(p); i++)
        if (p->trailers[i].type == type)
            return &p->trailers[i];
    return NULL;
}

/* The first trailer of TYPE as a reader of its value, if it is of SIZE bytes. */
static bool trailer_reader(const struct teredo_packet *p, uint8_t type, size_t size,
                           struct reader *r)
{
    const struct teredo_trailer *trailer = teredo_find_trailer(p, type);

    if (trailer == NULL || trailer->size != size)
        return false;
    *r = reader_of(trailer->value, trailer->size);
    return true;
}

bool teredo_trailer_nonce(const struct teredo_packet *p, uint32_t *nonce)
{
    struct reader r;

    if (!trailer_reader(p, TRAILER_NONCE, NONCE_SIZE, &r))
        return false;
    *nonce = reader_u32(&r);
    return true;
}

unsigned teredo_trailer_alternates(const struct teredo_packet *p,
                                   struct endpoint out[static TEREDO_MAX_ALTERNATES])
{
    const struct teredo_trailer *trailer = teredo_find_trailer(p, TRAILER_ALTERNATE_ADDRESS);

    return trailer == NULL ? 0 : read_alternates(trailer, out);
}

bool teredo_trailer_nd(const struct teredo_packet *p, uint8_t *type)
{
    struct reader r;

    if (!trailer_reader(p, TRAILER_ND_OPTION, ND_SIZE, &r))
        return false;
    *type = reader_u8(&r);
    return true;
}

bool teredo_trailer_random_port(const struct teredo_packet *p, uint16_t *port)
{
    struct reader r;

    if (!trailer_reader(p, TRAILER_RANDOM_PORT, RANDOM_PORT_SIZE, &r))
        return false;
    *port = reader_u16(&r);
    return true;
}
