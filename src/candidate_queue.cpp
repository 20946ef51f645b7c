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

}  // namespace

CandidateQueue::CandidateQueue(const PortSet& ports, std::uint64_t seed)
    : random_(static_cast<std::mt19937::result_type>(seed ^ (seed >> 32))) {
  unused_.reserve(ports.size());
  for (const auto port : ports) unused_.push_back(port);
}

std::optional<std::uint16_t> CandidateQueue::next() {
  if (unused_.empty()) return takeFront(returned_);
  const auto pick = static_cast<std::size_t>((std::uint64_t{random_()} * unused_.size()) >> 32);
  std::swap(unused_[pick], unused_.back());
  const auto port = unused_.back();
  unused_.pop_back();
  return port;
}

std::optional<std::uint16_t> CandidateQueue::nextSuspect() { return takeFront(suspects_); }

bool CandidateQueue::takeSuspect(std::uint16_t port) {
  const auto found = std::find(suspects_.begin(), suspects_.end(), port);
  if (found == suspects_.end()) return false;
  suspects_.erase(found);
  return true;
}

}  // namespace portpool
