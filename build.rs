//! Takes the files of Swagger UI that `GET /docs` shows out of the crate that packs them, and compresses each once for all
//! who will fetch it. The crate holds several builds of the same program, which would be a sixth of the gateway's binary.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const WANTED: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for wanted in WANTED {
        // Below a folder that has the version in its name.
        let end = format!("/dist/{wanted}");
        let mut names = archive.file_names().filter_map(Result::ok);
        let inside = names.find(|name| name.ends_with(&end));
        let inside = inside.ok_or(format!("no {wanted} in Swagger UI"))?.into_owned();
        drop(names);
        let mut file = archive.by_name(&inside)?;
        let mut packed = GzEncoder::new(
            File::create(out.join(format!("{wanted}.gz")))?,
            Compression::best(),
        );
        io::copy(&mut file, &mut packed)?;
        packed.finish()?;
    }
    Ok(())
}
