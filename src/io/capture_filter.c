#include "capture_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    /* For the filter of files; it bounds nothing. */
    MAX_SNAP = 262144,
    LINK_NUMBERS = 300, /* those that link_layer.h knows are below */
};

/* For frames of one link type. */
struct compiled {
    int link;     /* DLT_ */
    bool for_ip4; /* of the packet in the frame, where libpcap has no filters for the link type */
    struct bpf_program program;
};

struct capture_filter {
    const char *expression;
    struct compiled *list;
    size_t count;
};

int capture_datalink_of(unsigned number)
{
    return number == 101 ? DLT_RAW : number == 100 ? DLT_ATM_RFC1483 : (int)number;
}

struct capture_filter *capture_filter_new(const char *expression)
{
    struct capture_filter *f = calloc(1, sizeof *f);

    if (f != NULL)
        f->expression = expression;
    return f;
}

static int no_memory(struct error *error)
{
    return error_set(error, EX_OSERR, ENOMEM, "cannot start");
}

static int is_wrong(const struct capture_filter *f, pcap_t *pcap, struct error *error)
{
    error_set(error, EX_USAGE, 0, "the filter '%s' is wrong: %s", f->expression, pcap_geterr(pcap));
    return error_hint(error, "pcap-filter(7); a FILE of such a name is written ./NAME");
}

static int compile(const struct capture_filter *f, pcap_t *pcap, struct bpf_program *out)
{
    return pcap_compile(pcap, out, f->expression, 1, PCAP_NETMASK_UNKNOWN);
}

/* Compiles the filter for IPv4 packets. */
static bool compile_for_ip4(const struct capture_filter *f, struct compiled *out)
{
    pcap_t *pcap = pcap_open_dead(DLT_RAW, MAX_SNAP);

    out->for_ip4 = pcap != NULL && compile(f, pcap, &out->program) == 0;
    if (pcap != NULL)
        pcap_close(pcap);
    return out->for_ip4;
}

/* Compiles the filter for a link type that has none yet. */
static int add(struct capture_filter *f, pcap_t *pcap, struct error *error)
{
    struct compiled *list = realloc(f->list, (f->count + 1) * sizeof *list), *c;

    if (list == NULL)
        return no_memory(error);
    f->list = list;
    c = &list[f->count];
    *c = (struct compiled){.link = pcap_datalink(pcap)};
    if (compile(f, pcap, &c->program) != 0 && !compile_for_ip4(f, c))
        return is_wrong(f, pcap, error);
    f->count++;
    return 0;
}

int capture_filter_find(struct capture_filter *f, int link, size_t *out, struct error *error)
{
    pcap_t *pcap;
    int result;

    for (*out = 0; *out < f->count; ++*out)
        if (f->list[*out].link == link)
            return 0;
    pcap = pcap_open_dead(link, MAX_SNAP);
    if (pcap == NULL)
        return no_memory(error);
    result = add(f, pcap, error);
    pcap_close(pcap);
    return result;
}

void capture_filter_prepare(struct capture_filter *f)
{
    struct error ignored;
    size_t place;

    /* What is right for neither of the two is most likely wrong, or has names that are not found,
     * which may take long each time. */
    if (capture_filter_find(f, DLT_EN10MB, &place, &ignored) != 0 &&
        capture_filter_find(f, DLT_LINUX_SLL, &place, &ignored) != 0)
        return;
    for (unsigned number = 0; number < LINK_NUMBERS; number++)
        if (link_type_of(number) != LINK_UNKNOWN)
            (void)capture_filter_find(f, capture_datalink_of(number), &place, &ignored);
}

/* Frames of a file are numbered by us before the filter, so that their numbers are those that other
 * programs give them. */
bool capture_filter_passes(const struct capture_filter *f, size_t place, enum link_type link,
                           const struct file_frame *frame)
{
    const struct compiled *c = &f->list[place];
    struct pcap_pkthdr header;
    size_t start = 0;

    if (c->for_ip4 && link_find_ip4(link, frame->data, frame->size, &start) != LINK_HAS_IP4)
        return false;
    header = (struct pcap_pkthdr){.caplen = (bpf_u_int32)(frame->size - start),
                                  .len = (bpf_u_int32)(frame->whole - start)};
    return pcap_offline_filter(&c->program, &header, frame->data + start) != 0;
}

int capture_filter_set(const struct capture_filter *f, pcap_t *pcap, const char *name,
                       struct error *error)
{
    struct bpf_program program;
    int result;

    if (compile(f, pcap, &program) != 0)
        return is_wrong(f, pcap, error);
    result = pcap_setfilter(pcap, &program);
    pcap_freecode(&program);
    return result == 0
               ? 0
               : error_set(error, EX_OSERR, 0, "cannot filter on %s: %s", name, pcap_geterr(pcap));
}

void capture_filter_free(struct capture_filter *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        pcap_freecode(&f->list[i].program);
    free(f->list);
    free(f);
}
