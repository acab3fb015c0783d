use std::time::Instant;
use lgsp_bus::*;
use lgsp_runtime::*;
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    let debug = std::env::args().nth(1).unwrap_or_default();
    let mut o = Options::default();
    if !debug.is_empty() { o.librdkafka.insert("debug".into(), debug); }
    let t = Instant::now();
    let bus = Bus::open(o).unwrap();
    println!("open {:?}", t.elapsed());
    let sd = Shutdown::new(State::new(Instance::new("x","0")), Default::default());
    let s = serve(&bus, ServeOptions::default(), "land", "land-1", MacKey::new([1;32]), tonic::service::Routes::default(), Health::new(), &sd).await.unwrap();
    println!("serve {:?}", t.elapsed());
    s.until_ready().await;
    println!("ready {:?} {:?}", t.elapsed(), s.partitions());
    let c = Caller::start(&bus, CallerOptions::default(), "g", Default::default(), &sd).await.unwrap();
    println!("caller {:?} {}", t.elapsed(), c.ready());
    let late = sd.run().await;
    println!("ended {:?} {late:?}", t.elapsed());
}
