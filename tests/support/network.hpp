#pragma once

#include <string>

/// What stands for the network that this process's ports are in.
std::string network();
