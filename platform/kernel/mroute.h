#pragma once

// The kernel's multicast routing interfaces next to libc's headers, in the one order that works.
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/mroute.h>
#include <linux/mroute6.h>
