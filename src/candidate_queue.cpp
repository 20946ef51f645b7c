#include "candidate_queue.hpp"

#include <algorithm>
#include <utility>

namespace portpool {
namespace {

std::optional<std::uint16_t> takeFront(std::deque<std::uint16_t>& queue) {
  if (queue.empty()) return std::nullopt;
  const auto port = queue.front();
  queue.pop_front();
  return port;
}

template <class Ports>
bool takeOut(Ports& ports, std::uint16_t port) {
  const auto found = std::find(ports.begin(), ports.end(), port);
  if (found == ports.end()) return false;
  ports.erase(found);
  return true;
}

}  // namespace

CandidateQueue::CandidateQueue(const PortSet& ports, std::uint64_t seed)
    : random_(static_cast<std::mt19937::result_type>(seed ^ (seed >> 32))) {
  unused_.reserve(ports.size());
  for (const auto port : ports) unused_.push_back(port);
}

std::optional<std::uint16_t> CandidateQueue::next() {
  if (unused_.empty()) return takeFront(returned_);
  std::swap(unused_[randomBelow(unused_.size())], unused_.back());
  const auto port = unused_.back();
  unused_.pop_back();
  return port;
}

std::optional<std::uint16_t> CandidateQueue::nextSuspect() { return takeFront(suspects_); }

bool CandidateQueue::takeSuspect(std::uint16_t port) { return takeOut(suspects_, port); }

bool CandidateQueue::take(std::uint16_t port) {
  return takeOut(unused_, port) || takeOut(returned_, port) || takeOut(suspects_, port);
}

std::size_t CandidateQueue::randomBelow(std::size_t bound) {
  return static_cast<std::size_t>((std::uint64_t{random_()} * bound) >> 32);
}

}  // namespace portpool
