#include "network.hpp"

int main() { return isIsolated() ? 0 : 1; }
