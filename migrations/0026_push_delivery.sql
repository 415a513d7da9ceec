-- Push gateways and application services follow the stream of all events.
CREATE INDEX events_by_position ON events (position) WHERE position > 0;
