//! Reads items from AWS: kinds side by side, items of a kind together.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::pattern;
use elbow_core::question::Group;

use super::item::{Item, Value};
use crate::aws::{Aws, AwsError, Cx, Fault};

type Values = BTreeMap<Item, Value>;

/// What AWS says about each item now.
pub(super) async fn read(aws: &Aws, cx: &Cx, items: &BTreeSet<Item>) -> Values {
    let named =
        |name: fn(&Item) -> Option<&String>| items.iter().filter_map(name).cloned().collect::<Vec<_>>();
    let lists = futures::future::join3(
        vpc_subnets(aws, cx, items.contains(&Item::VpcSubnets)),
        route_tables(aws, cx, items.contains(&Item::RouteTables)),
        vpc(aws, cx, items.contains(&Item::Vpc)),
    );
    let by_name = futures::future::join4(
        subnets(
            aws,
            cx,
            named(|item| {
                if let Item::Subnet(id) = item {
                    Some(id)
                } else {
                    None
                }
            }),
        ),
        zones(
            aws,
            cx,
            named(|item| if let Item::Zone(id) = item { Some(id) } else { None }),
        ),
        groups(
            aws,
            cx,
            named(|item| {
                if let Item::Group(id) = item {
                    Some(id)
                } else {
                    None
                }
            }),
        ),
        group_names(
            aws,
            cx,
            named(|item| {
                if let Item::GroupName(name) = item {
                    Some(name)
                } else {
                    None
                }
            }),
        ),
    );
    let target_groups = target_groups(
        aws,
        cx,
        named(|item| {
            if let Item::TargetGroupName(name) = item {
                Some(name)
            } else {
                None
            }
        }),
    );
    let (lists, by_name, target_groups) = futures::join!(lists, by_name, target_groups);
    let lists = <[Values; 3]>::from(lists).into_iter().flatten();
    lists
        .chain(<[Values; 4]>::from(by_name).into_iter().flatten())
        .chain(target_groups)
        .collect()
}

async fn vpc_subnets(aws: &Aws, cx: &Cx, wanted: bool) -> Values {
    if !wanted {
        return Values::new();
    }
    single(
        Item::VpcSubnets,
        aws.vpc_subnets(cx)
            .await
            .map(|subnets| Some(Value::Subnets(subnets))),
    )
}

async fn route_tables(aws: &Aws, cx: &Cx, wanted: bool) -> Values {
    if !wanted {
        return Values::new();
    }
    single(
        Item::RouteTables,
        aws.route_tables(cx)
            .await
            .map(|tables| Some(Value::RouteTables(tables))),
    )
}

async fn vpc(aws: &Aws, cx: &Cx, wanted: bool) -> Values {
    if !wanted {
        return Values::new();
    }
    single(Item::Vpc, aws.vpc(cx).await.map(|vpc| vpc.map(Value::Vpc)))
}

async fn subnets(aws: &Aws, cx: &Cx, ids: Vec<String>) -> Values {
    if ids.is_empty() {
        return Values::new();
    }
    let found = aws.subnets_by_id(cx, &ids).await;
    let found = found.map(|found| {
        found
            .into_iter()
            .map(|one| (one.id.clone(), Value::Subnets(vec![one])))
            .collect()
    });
    each(ids, Item::Subnet, found)
}

async fn zones(aws: &Aws, cx: &Cx, ids: Vec<String>) -> Values {
    if ids.is_empty() {
        return Values::new();
    }
    let found = aws.zones(cx, &ids.iter().cloned().collect()).await;
    let found = found.map(|found| {
        found
            .into_iter()
            .map(|(id, kind)| (id, Value::Zone(kind)))
            .collect()
    });
    each(ids, Item::Zone, found)
}

async fn groups(aws: &Aws, cx: &Cx, ids: Vec<String>) -> Values {
    if ids.is_empty() {
        return Values::new();
    }
    let found = aws.groups_by_id(cx, &ids).await;
    let found = found.map(|found| {
        found
            .into_iter()
            .map(|one| (one.id.clone(), Value::Groups(vec![one])))
            .collect()
    });
    each(ids, Item::Group, found)
}

async fn group_names(aws: &Aws, cx: &Cx, names: Vec<String>) -> Values {
    if names.is_empty() {
        return Values::new();
    }
    let found = aws.groups_by_name(cx, &names).await.map(|found| {
        let of = |name: &String| {
            let named = |group: &&Group| group.tags.get("Name").is_some_and(|tag| pattern::fits(name, tag));
            let groups: Vec<Group> = found.iter().filter(named).cloned().collect();
            (!groups.is_empty()).then(|| (name.clone(), Value::Groups(groups)))
        };
        names.iter().filter_map(of).collect()
    });
    each(names, Item::GroupName, found)
}

/// One call for each name: a call with several fails as soon as one of them is unknown.
async fn target_groups(aws: &Aws, cx: &Cx, names: Vec<String>) -> Values {
    let read = names.into_iter().map(|name| async move {
        let found = aws.target_group_by_name(cx, &name).await;
        let arn = found.map(|found| found.map(|found| Value::TargetGroup(found.arn().to_owned())));
        single(Item::TargetGroupName(name), arn)
    });
    futures::future::join_all(read)
        .await
        .into_iter()
        .flatten()
        .collect()
}

fn single(item: Item, result: Result<Option<Value>, AwsError>) -> Values {
    let value = match result {
        Ok(found) => found.unwrap_or(Value::Absent),
        Err(error) => failed(&error),
    };
    Values::from([(item, value)])
}

fn each(
    names: Vec<String>,
    item: fn(String) -> Item,
    result: Result<BTreeMap<String, Value>, AwsError>,
) -> Values {
    match result {
        Ok(mut found) => names
            .into_iter()
            .map(|name| {
                let value = found.remove(&name).unwrap_or(Value::Absent);
                (item(name), value)
            })
            .collect(),
        Err(error) => names
            .into_iter()
            .map(|name| (item(name), failed(&error)))
            .collect(),
    }
}

fn failed(error: &AwsError) -> Value {
    match error.fault {
        Fault::Denied => Value::Denied(error.action()),
        Fault::NotFound => Value::Absent,
        _ => Value::Unknown(error.to_string()),
    }
}
