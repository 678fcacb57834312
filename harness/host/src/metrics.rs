//! Metrics with Envoy's ids.

use crate::outcome::MetricKind;
use crate::status::Status;
use std::collections::HashMap;
use std::sync::Arc;

/// The low two bits of an id say what it counts; ids step by four.
const KIND_BITS: u32 = 2;

/// One statistic, shared by every id that names it.
#[derive(Debug)]
pub(crate) struct Stat {
    pub name: Arc<str>,
    pub kind: MetricKind,
    /// Counter and gauge: the value. Histogram: how many values it took.
    pub value: u64,
}

/// Every statistic of a worker.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    stats: Vec<Stat>,
    by_name: HashMap<(MetricKind, Arc<str>), usize>,
}

/// The metric ids of one VM: index into the statistics, by kind.
#[derive(Debug, Default)]
pub(crate) struct MetricIds {
    by_kind: [Vec<usize>; 3],
}

/// What an operation did, for the stream that did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub stat: usize,
    pub by: i64,
}

impl Metrics {
    pub(crate) fn stat(&self, index: usize) -> Option<&Stat> {
        self.stats.get(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stat> {
        self.stats.iter()
    }

    /// Envoy gives every definition a new id, even of a known name; both ids
    /// then mean the same statistic.
    pub(crate) fn define(
        &mut self,
        ids: &mut MetricIds,
        kind: u32,
        name: &str,
    ) -> Result<u32, Status> {
        let kind = kind_of(kind)?;
        let stat = self.stat_named(kind, name);
        let slot = ids
            .by_kind
            .get_mut(kind as usize)
            .ok_or(Status::InternalFailure)?;
        slot.push(stat);
        let serial = u32::try_from(slot.len()).map_err(|_| Status::InternalFailure)?;
        Ok((serial << KIND_BITS) | kind as u32)
    }

    fn stat_named(&mut self, kind: MetricKind, name: &str) -> usize {
        let name: Arc<str> = name.into();
        let next = self.stats.len();
        let stat = *self
            .by_name
            .entry((kind, Arc::clone(&name)))
            .or_insert(next);
        if stat == next {
            self.stats.push(Stat {
                name,
                kind,
                value: 0,
            });
        }
        stat
    }

    /// Counters only grow; a histogram cannot be incremented.
    pub(crate) fn increment(
        &mut self,
        ids: &MetricIds,
        id: u32,
        by: i64,
    ) -> Result<Change, Status> {
        let kind = kind_of(id & 3)?;
        if kind == MetricKind::Histogram {
            return Err(Status::BadArgument);
        }
        let (index, stat) = self.find(ids, id)?;
        if kind == MetricKind::Counter && by <= 0 {
            return Err(Status::BadArgument);
        }
        stat.value = stat.value.wrapping_add_signed(by);
        Ok(Change { stat: index, by })
    }

    /// Sets a gauge, records into a histogram, and *adds* to a counter.
    pub(crate) fn record(
        &mut self,
        ids: &MetricIds,
        id: u32,
        value: u64,
    ) -> Result<Change, Status> {
        let (index, stat) = self.find(ids, id)?;
        let by = match stat.kind {
            MetricKind::Counter => {
                stat.value = stat.value.wrapping_add(value);
                value.cast_signed()
            }
            MetricKind::Gauge => {
                let before = std::mem::replace(&mut stat.value, value);
                value.wrapping_sub(before).cast_signed()
            }
            MetricKind::Histogram => {
                stat.value = stat.value.wrapping_add(1);
                value.cast_signed()
            }
        };
        Ok(Change { stat: index, by })
    }

    /// A histogram cannot be read.
    pub(crate) fn get(&mut self, ids: &MetricIds, id: u32) -> Result<u64, Status> {
        if kind_of(id & 3)? == MetricKind::Histogram {
            return Err(Status::BadArgument);
        }
        self.find(ids, id).map(|(_, stat)| stat.value)
    }

    fn find(&mut self, ids: &MetricIds, id: u32) -> Result<(usize, &mut Stat), Status> {
        let kind = kind_of(id & 3).map_err(|_| Status::NotFound)?;
        let serial = usize::try_from(id >> KIND_BITS).map_err(|_| Status::NotFound)?;
        let slot = ids.by_kind.get(kind as usize).ok_or(Status::NotFound)?;
        let index = serial
            .checked_sub(1)
            .and_then(|at| slot.get(at))
            .copied()
            .ok_or(Status::NotFound)?;
        let stat = self.stats.get_mut(index).ok_or(Status::NotFound)?;
        Ok((index, stat))
    }
}

fn kind_of(number: u32) -> Result<MetricKind, Status> {
    match number {
        0 => Ok(MetricKind::Counter),
        1 => Ok(MetricKind::Gauge),
        2 => Ok(MetricKind::Histogram),
        _ => Err(Status::BadArgument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_kind_and_step_by_four() {
        let (mut metrics, mut ids) = (Metrics::default(), MetricIds::default());
        let mut define = |kind, name| metrics.define(&mut ids, kind, name);
        assert_eq!((define(0, "a"), define(0, "b")), (Ok(4), Ok(8)));
        assert_eq!((define(1, "g"), define(1, "h")), (Ok(5), Ok(9)));
        assert_eq!((define(2, "x"), define(2, "y")), (Ok(6), Ok(10)));
        assert_eq!(define(3, "z"), Err(Status::BadArgument));
    }

    #[test]
    fn a_redefined_name_gets_a_new_id_for_the_same_statistic() {
        let (mut metrics, mut ids) = (Metrics::default(), MetricIds::default());
        let one = metrics.define(&mut ids, 0, "hits").unwrap();
        let two = metrics.define(&mut ids, 0, "hits").unwrap();
        assert_ne!(one, two);
        metrics.increment(&ids, one, 2).unwrap();
        metrics.record(&ids, two, 3).unwrap();
        assert_eq!(metrics.get(&ids, one), Ok(5));
    }

    #[test]
    fn refusals_are_envoys() {
        let (mut metrics, mut ids) = (Metrics::default(), MetricIds::default());
        let counter = metrics.define(&mut ids, 0, "c").unwrap();
        let gauge = metrics.define(&mut ids, 1, "g").unwrap();
        let histogram = metrics.define(&mut ids, 2, "h").unwrap();
        assert_eq!(
            metrics.increment(&ids, counter, 0),
            Err(Status::BadArgument)
        );
        assert_eq!(
            metrics.increment(&ids, counter, -1),
            Err(Status::BadArgument)
        );
        assert_eq!(
            metrics.increment(&ids, histogram, 1),
            Err(Status::BadArgument)
        );
        assert_eq!(metrics.get(&ids, histogram), Err(Status::BadArgument));
        assert_eq!(metrics.get(&ids, 400), Err(Status::NotFound));
        assert_eq!(metrics.record(&ids, 3, 1), Err(Status::NotFound));
        assert_eq!(
            metrics.increment(&ids, gauge, -1).map(|change| change.by),
            Ok(-1)
        );
    }
}
