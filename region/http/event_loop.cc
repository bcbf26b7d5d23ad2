#include "region/http/event_loop.h"

#include "region/http/connection.h"

namespace everwrite::http {

void EventLoop::OnTick() {
  ++tick;
  for (Connection* connection = first; connection;) {
    Connection* next = connection->next();
    connection->OnTick();
    connection = next;
  }
  if (on_tick) on_tick();
}

void EventLoop::BeginDrain() {
  draining = true;
  for (Connection* connection = first; connection;) {
    Connection* next = connection->next();
    connection->OnDrain();
    connection = next;
  }
}

void EventLoop::CloseAll() {
  draining = true;
  while (first) first->Close();
}

}  // namespace everwrite::http
