// A network of this process's own: a namespace with nothing but a loopback, in which packets can be
// lost and come twice, below TCP, where no proxy reaches.
//
// The namespace belongs to this process and those that it starts, has no name, and goes with the
// last of them however they end: nothing is ever left behind. Needs root or namespaces of users,
// and nft (Debian: nftables).
//
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace everwrite::chaos {

// Of packets to the first ports and from the second ones, both TCP on 127.0.0.1.
struct PacketFault {
  std::vector<uint16_t> to;
  std::vector<uint16_t> from;
  double loss_percent = 0;
  double duplicate_percent = 0;
};

// Moves this process into a network of its own. To be called before it has a second thread or a
// socket. kFailedPrecondition with the reason when this machine or user cannot.
Status EnterPrivateNetwork();

// What holds from now on, in place of what did. Only in a network of our own.
Status SetPacketFaults(const std::vector<PacketFault>& faults);

// The rules that nft is given.
std::string PacketRules(const std::vector<PacketFault>& faults);

}  // namespace everwrite::chaos
