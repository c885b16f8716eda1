#include "words.h"

#include "text_buffer.h"

const char *words_time(nsec when, char buf[static RFC3339_STRLEN])
{
    struct stamp none = {0};

    *put_time(&none, buf, when) = '\0';
    return buf;
}

const char *words_ip6(const struct in6_addr *address, char buf[static INET6_ADDRSTRLEN])
{
    ip6_format(address, buf);
    return buf;
}
