ALTER TABLE parcel ADD COLUMN geom geometry(MultiPolygon) GENERATED ALWAYS AS (
    ST_Multi(ST_SetSRID(
        ST_Transform(
            ST_GeomFromGeoJSON(geometry),
            '+proj=longlat +datum=WGS84 +no_defs',
            '+proj=tmerc +lat_0=0 +lon_0=' || CASE source_epsg WHEN 9209 THEN '105.5' ELSE '105' END
                || ' +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84'
                || ' +towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278'
                || ' +units=m +no_defs'
        ),
        source_epsg::integer
    ))
) STORED
