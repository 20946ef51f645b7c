#include <portpool/portpool.hpp>

static const auto kPort = portpool::getNextAvailableTCPPort();

int main() { return kPort == 0 ? 1 : 0; }
