#include "reassembly.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNIT = 8, /* fragment offsets count these */
    UNITS = REASSEMBLY_MAX_SIZE / UNIT + 1,
    MAX_HEADER_SIZE = 60,
    FIRST_ROOM = 2048,
};

struct packet {
    bool used;
    bool done; /* and told; what comes of it for a moment are copies */
    uint32_t source, destination;
    uint16_t id;
    nsec deadline;
    bool refused;
    size_t total;       /* of the payload; 0 = the last fragment is missing */
    size_t have;        /* bytes of the payload that are there */
    unsigned fragments; /* that brought bytes */
    unsigned refused_fragments;
    /* The first fragment, if it is there: its header and how long it was. */
    uint8_t header[MAX_HEADER_SIZE];
    size_t header_size, first_size;
    uint64_t frame;
    nsec when;
    uint8_t *payload;
    size_t room;
    uint8_t there[UNITS / 8 + 1]; /* a bit a unit */
};

struct reassembly {
    struct packet packets[REASSEMBLY_PACKETS];
    unsigned count;
    nsec earliest; /* deadline */
    uint8_t whole[REASSEMBLY_MAX_SIZE];
};

struct reassembly *reassembly_new(void)
{
    struct reassembly *r = calloc(1, sizeof *r);

    if (r != NULL)
        r->earliest = NSEC_NEVER;
    return r;
}

void reassembly_free(struct reassembly *r)
{
    for (size_t i = 0; r != NULL && i < REASSEMBLY_PACKETS; i++)
        free(r->packets[i].payload);
    free(r);
}

bool reassembly_wants(const uint8_t *data, size_t size, struct fragment *out)
{
    struct reader r = reader_of(data, size);
    struct ip4_header *h = &out->header;
    struct wire_fault fault;

    out->data = data;
    return ip4_decode(&r, h, false, &fault) && (h->more_fragments || h->fragment_offset != 0) &&
           h->protocol == IP_PROTOCOL_UDP;
}

/* Copies of a fragment come so soon. */
#define MOMENT (50 * NSEC_MS)

static void begin(struct packet *p, const struct ip4_header *h, nsec now)
{
    uint8_t *payload = p->payload;
    size_t room = p->room;

    *p = (struct packet){
        .used = true,
        .source = h->source,
        .destination = h->destination,
        .id = h->id,
        .deadline = now + REASSEMBLY_PATIENCE,
        .payload = payload,
        .room = room,
    };
}

static struct packet *find(struct reassembly *r, const struct ip4_header *h)
{
    for (size_t i = 0; i < REASSEMBLY_PACKETS; i++) {
        struct packet *p = &r->packets[i];

        if (p->used && p->id == h->id && p->source == h->source && p->destination == h->destination)
            return p;
    }
    return NULL;
}

/* A free one: reassembly_give_up has seen to it that there is one. */
static struct packet *take(struct reassembly *r, const struct ip4_header *h, nsec now)
{
    struct packet *p = r->packets;

    while (p->used)
        p++;
    begin(p, h, now);
    r->earliest = nsec_min(r->earliest, p->deadline);
    r->count++;
    return p;
}

static bool make_room(struct packet *p, size_t size)
{
    size_t room = p->room > 0 ? p->room : FIRST_ROOM;
    uint8_t *payload;

    if (size <= p->room)
        return true;
    while (room < size)
        room *= 2;
    payload = realloc(p->payload, room);
    if (payload == NULL)
        return false;
    p->payload = payload;
    p->room = room;
    return true;
}

static bool is_there(const struct packet *p, size_t unit)
{
    return (p->there[unit / 8] >> unit % 8 & 1) != 0;
}

/* Puts the bytes where they belong; false if others are there already. */
static bool put(struct packet *p, size_t offset, const uint8_t *data, size_t size)
{
    size_t before = p->have;

    for (size_t at = 0; at < size; at += UNIT) {
        size_t unit = (offset + at) / UNIT, part = size - at < UNIT ? size - at : UNIT;

        if (is_there(p, unit)) {
            if (memcmp(p->payload + offset + at, data + at, part) != 0)
                return false;
            continue;
        }
        p->there[unit / 8] |= (uint8_t)(1 << unit % 8);
        memcpy(p->payload + offset + at, data + at, part);
        p->have += part;
    }
    p->fragments += p->have > before;
    return true;
}

/* Whether the bytes are there as they are. */
static bool is_copy(const struct packet *p, size_t offset, const uint8_t *data, size_t size)
{
    return offset + size <= p->total && memcmp(p->payload + offset, data, size) == 0;
}

/* Whether the fragment can be one of this packet; notes where the packet ends. */
static bool fits(struct packet *p, const struct ip4_header *h, size_t offset, size_t size)
{
    size_t end = offset + size;

    if (size == 0 || end > REASSEMBLY_MAX_SIZE - (size_t)h->header_length)
        return false;
    if (h->more_fragments)
        return size % UNIT == 0 && (p->total == 0 || end <= p->total);
    if (p->total != 0)
        return end == p->total;
    for (size_t unit = end / UNIT; unit < UNITS; unit++)
        if (is_there(p, unit))
            return false;
    p->total = end;
    return true;
}

/* The whole packet: the header of the first fragment with the length and checksum of the whole. */
static void put_together(struct reassembly *r, const struct packet *p, struct reassembled *out)
{
    struct writer w = writer_of(r->whole, sizeof r->whole);

    writer_bytes(&w, p->header, p->header_size);
    writer_bytes(&w, p->payload, p->total);
    writer_patch_u16(&w, 2, (uint16_t)w.size);
    writer_patch_u16(&w, 6, 0);
    writer_patch_u16(&w, 10, 0);
    writer_patch_u16(&w, 10, checksum_finish(checksum_add(0, r->whole, p->header_size)));
    *out = (struct reassembled){
        .data = r->whole,
        .size = w.size,
        .fragments = p->fragments,
        .frame = p->frame,
        .when = p->when,
    };
}

static void find_earliest(struct reassembly *r)
{
    r->earliest = NSEC_NEVER;
    for (size_t i = 0; i < REASSEMBLY_PACKETS; i++)
        if (r->packets[i].used)
            r->earliest = nsec_min(r->earliest, r->packets[i].deadline);
}

static void refuse(struct packet *p)
{
    p->refused = true;
    p->refused_fragments++;
}

bool reassembly_add(struct reassembly *r, const struct fragment *fragment, nsec now,
                    struct reassembled *out)
{
    const struct ip4_header *h = &fragment->header;
    struct packet *p = find(r, h);
    size_t offset = (size_t)h->fragment_offset * UNIT;
    size_t size = h->total_length - (size_t)h->header_length;
    const uint8_t *payload = fragment->data + h->header_length;

    if (p == NULL)
        p = take(r, h, now);
    if (p->done && now <= p->deadline && is_copy(p, offset, payload, size))
        return false;
    if (p->done) {
        begin(p, h, now);
        find_earliest(r);
    }
    if (p->refused || !fits(p, h, offset, size) || !make_room(p, offset + size) ||
        !put(p, offset, payload, size)) {
        refuse(p);
        return false;
    }
    if (offset == 0 && p->header_size == 0) {
        memcpy(p->header, fragment->data, h->header_length);
        p->header_size = h->header_length;
        p->first_size = size;
        p->frame = fragment->frame;
        p->when = fragment->when;
    }
    if (p->total == 0 || p->have < p->total)
        return false;
    if (p->header_size + p->total > REASSEMBLY_MAX_SIZE) {
        p->refused = true;
        return false;
    }
    put_together(r, p, out);
    p->done = true;
    p->deadline = now + MOMENT;
    r->earliest = nsec_min(r->earliest, p->deadline);
    return true;
}

/* One whose time is over; of all, where there is no room for another, one that is done or else the
 * one that is there for the longest time. */
static struct packet *find_over(struct reassembly *r, nsec now)
{
    bool crowded = r->count == REASSEMBLY_PACKETS;
    struct packet *best = NULL;

    if (!crowded && r->earliest > now)
        return NULL;
    for (size_t i = 0; i < REASSEMBLY_PACKETS; i++) {
        struct packet *p = &r->packets[i];

        if (p->used && (crowded || p->deadline <= now) &&
            (best == NULL || p->done > best->done ||
             (p->done == best->done && p->deadline < best->deadline)))
            best = p;
    }
    return best;
}

bool reassembly_give_up(struct reassembly *r, nsec now, struct reassembled *out)
{
    struct packet *p;

    while (r->count > 0 && (p = find_over(r, now)) != NULL) {
        struct writer w = writer_of(r->whole, sizeof r->whole);

        p->used = false;
        r->count--;
        find_earliest(r);
        if (p->done)
            continue;
        writer_bytes(&w, p->header, p->header_size);
        writer_bytes(&w, p->payload, p->first_size);
        *out = (struct reassembled){
            .data = p->header_size == 0 ? NULL : r->whole,
            .size = w.size,
            .fragments = p->header_size == 0 ? 0 : 1,
            .lost = p->fragments + p->refused_fragments - (p->header_size != 0),
            .refused = p->refused,
            .frame = p->frame,
            .when = p->when,
        };
        return true;
    }
    return false;
}
