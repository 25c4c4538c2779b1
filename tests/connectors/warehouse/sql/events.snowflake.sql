WITH "t11" AS (
  SELECT
    "t10"."k",
    "t10"."u",
    "t10"."rows",
    "t10"."v",
    "t10"."w",
    "t10"."low_rows",
    "t10"."t",
    "t10"."s0",
    CAST(0 AS SMALLINT) AS "bad"
  FROM (
    SELECT
      "t9"."k",
      "t9"."u",
      COUNT(*) AS "rows",
      MIN("t9"."v") AS "v",
      MAX("t9"."v") AS "w",
      COUNT_IF((
        "t9"."v" % 100000
      ) = 0) AS "low_rows",
      MIN("t9"."t") AS "t",
      GET(ARRAY_AGG("t9"."s0") WITHIN GROUP (ORDER BY
        "t9"."t" ASC,
        "t9"."s0" ASC), 0) AS "s0"
    FROM (
      SELECT
        "t7"."u",
        "t7"."v",
        "t7"."t",
        "t7"."s0",
        "t7"."bad",
        CAST(CAST(FLOOR((
          "t7"."v"
        ) / (
          100000
        )) AS BIGINT) AS INT) AS "k"
      FROM (
        SELECT
          "t5"."u",
          CASE
            WHEN "t5"."v" = 'candidate'
            THEN 0
            WHEN "t5"."v" = 'control'
            THEN 1
            WHEN "t5"."v" = 'B'
            THEN 100000
            WHEN "t5"."v" = 'x'
            THEN 200000
            ELSE CAST(NULL AS INT)
          END AS "v",
          "t5"."t",
          "t5"."s0",
          "t5"."bad"
        FROM (
          SELECT
            "t0"."user_id" AS "u",
            CASE
              WHEN NULLIF("t0"."variation", '') = 'B'
              THEN 'candidate'
              ELSE NULLIF("t0"."variation", '')
            END AS "v",
            CAST(CONVERT_TIMEZONE('UTC', "t0"."ts") AS TIMESTAMP) AS "t",
            COALESCE(NULLIF("t0"."plan", ''), '(empty)') AS "s0",
            CAST(CASE
              WHEN "t0"."user_id" IS NULL
              THEN 1
              WHEN CASE
                WHEN NULLIF("t0"."variation", '') = 'B'
                THEN 'candidate'
                ELSE NULLIF("t0"."variation", '')
              END IS NULL
              THEN 2
              WHEN CAST(CONVERT_TIMEZONE('UTC', "t0"."ts") AS TIMESTAMP) IS NULL
              THEN 3
              WHEN (
                CAST(CONVERT_TIMEZONE('UTC', "t0"."ts") AS TIMESTAMP) < TIMESTAMP_FROM_PARTS(1970, 1, 1, 0, 0, 0, 0)
              )
              OR (
                CAST(CONVERT_TIMEZONE('UTC', "t0"."ts") AS TIMESTAMP) >= TIMESTAMP_FROM_PARTS(2200, 1, 1, 0, 0, 0, 0)
              )
              THEN 4
              ELSE 0
            END AS SMALLINT) AS "bad"
          FROM "exposures" AS "t0"
        ) AS "t5"
      ) AS "t7"
      WHERE
        "t7"."bad" = 0
    ) AS "t9"
    GROUP BY
      1,
      2
  ) AS "t10"
)
SELECT
  "t30"."bad",
  "t30"."v",
  "t30"."w",
  "t30"."s0",
  "t30"."day",
  COUNT(*) AS "units",
  SUM("t30"."rows") AS "rows",
  SUM("t30"."low_rows") AS "low_rows",
  SUM("t30"."lost_y") AS "lost_y",
  SUM("t30"."lost_x") AS "lost_x",
  AVG("t30"."y") AS "mean",
  VARIANCE_POP("t30"."y") AS "variance",
  MIN("t30"."y") AS "least",
  MAX("t30"."y") AS "most",
  SUM("t30"."y" * "t30"."y" * "t30"."y") AS "cubes",
  MIN((
    "t30"."y" = 0
  ) OR (
    "t30"."y" = 1
  )) AS "zero_one",
  AVG("t30"."x") AS "x_mean",
  VARIANCE_POP("t30"."x") AS "x_variance",
  AVG("t30"."d") AS "d_mean",
  VARIANCE_POP("t30"."d") AS "d_variance",
  COVAR_POP("t30"."x", "t30"."y") AS "xy",
  COVAR_POP("t30"."y", "t30"."d") AS "yd",
  COVAR_POP("t30"."x", "t30"."d") AS "xd"
FROM (
  SELECT
    "t29"."k",
    "t29"."u",
    "t29"."rows",
    "t29"."v",
    IFF("t29"."bad" < 0, "t29"."w", NULL) AS "w",
    "t29"."low_rows",
    "t29"."t",
    IFF("t29"."bad" = 0, "t29"."s0", NULL) AS "s0",
    "t29"."bad",
    IFF("t29"."bad" = 0, "t29"."y", NULL) AS "y",
    "t29"."lost_y",
    IFF("t29"."bad" = 0, "t29"."x", NULL) AS "x",
    "t29"."lost_x",
    IFF("t29"."bad" = 0, "t29"."d", NULL) AS "d",
    IFF("t29"."bad" = 0, TO_DATE("t29"."t"), NULL) AS "day"
  FROM (
    SELECT
      "t28"."k",
      "t28"."u",
      "t28"."rows",
      "t28"."v",
      "t28"."w",
      "t28"."low_rows",
      "t28"."t",
      "t28"."s0",
      CASE
        WHEN "t28"."bad" IN (0)
        AND (
          "t28"."t" >= TIMESTAMP_FROM_PARTS(2026, 3, 8, 0, 0, 0, 0)
        )
        THEN -2
        WHEN (
          "t28"."bad" = 0
        ) AND (
          "t28"."v" <> "t28"."w"
        )
        THEN -1
        ELSE "t28"."bad"
      END AS "bad",
      "t28"."y",
      "t28"."lost_y",
      "t28"."x",
      "t28"."lost_x",
      "t28"."d"
    FROM (
      SELECT
        "t13"."k",
        "t13"."u",
        "t13"."rows",
        "t13"."v",
        "t13"."w",
        "t13"."low_rows",
        "t13"."t",
        "t13"."s0",
        "t13"."bad",
        COALESCE("t26"."y", 0) AS "y",
        COALESCE("t26"."lost_y", 0) AS "lost_y",
        COALESCE("t26"."x", 0) AS "x",
        COALESCE("t26"."lost_x", 0) AS "lost_x",
        COALESCE("t27"."d", 0) AS "d"
      FROM "t11" AS "t13"
      LEFT OUTER JOIN (
        SELECT
          "t22"."k",
          "t22"."u",
          SUM(
            IFF(
              (
                "t22"."ft" >= "t22"."t"
              )
              AND (
                "t22"."ft" < DATEADD(SECOND, '604800', "t22"."t")
              )
              AND NOT (
                "t22"."no_y"
              ),
              "t22"."fy",
              NULL
            )
          ) AS "y",
          COUNT(
            IFF(
              (
                "t22"."ft" >= "t22"."t"
              )
              AND (
                "t22"."ft" < DATEADD(SECOND, '604800', "t22"."t")
              )
              AND "t22"."no_y",
              "t22"."u",
              NULL
            )
          ) AS "lost_y",
          SUM(
            IFF(
              (
                "t22"."ft" < "t22"."t"
              )
              AND (
                "t22"."ft" >= DATEADD(SECOND, -'1209600', "t22"."t")
              )
              AND NOT (
                "t22"."no_x"
              ),
              "t22"."fx",
              NULL
            )
          ) AS "x",
          COUNT(
            IFF(
              (
                "t22"."ft" < "t22"."t"
              )
              AND (
                "t22"."ft" >= DATEADD(SECOND, -'1209600', "t22"."t")
              )
              AND "t22"."no_x",
              "t22"."u",
              NULL
            )
          ) AS "lost_x"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t8"."u",
              "t8"."ft",
              "t8"."fy",
              "t8"."no_y",
              "t8"."fx",
              "t8"."no_x",
              "t18"."k",
              "t18"."t"
            FROM (
              SELECT
                "t3"."user_id" AS "u",
                CAST(CONVERT_TIMEZONE('UTC', "t3"."ts") AS TIMESTAMP) AS "ft",
                "t3"."amount" AS "fy",
                (
                  "t3"."amount" IS NULL
                )
                OR COALESCE(
                  (
                    "t3"."amount" = CAST('NaN' AS DOUBLE)
                  )
                  OR "t3"."amount" IN (CAST('Inf' AS DOUBLE), CAST('-Inf' AS DOUBLE))
                  OR (
                    ABS("t3"."amount") > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS "no_y",
                "t3"."amount" AS "fx",
                (
                  "t3"."amount" IS NULL
                )
                OR COALESCE(
                  (
                    "t3"."amount" = CAST('NaN' AS DOUBLE)
                  )
                  OR "t3"."amount" IN (CAST('Inf' AS DOUBLE), CAST('-Inf' AS DOUBLE))
                  OR (
                    ABS("t3"."amount") > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS "no_x"
              FROM (
                SELECT
                  *
                FROM "orders" AS "t1"
                WHERE
                  (
                    "t1"."event" = 'paid'
                  ) OR (
                    "t1"."event" = 'renewed'
                  )
              ) AS "t3"
            ) AS "t8"
            INNER JOIN (
              SELECT
                "t14"."k",
                "t14"."u",
                "t14"."t"
              FROM "t11" AS "t14"
            ) AS "t18"
              ON "t8"."u" = "t18"."u"
          ) AS "t20"
          WHERE
            "t20"."ft" >= DATEADD(SECOND, -'1209600', "t20"."t")
            AND "t20"."ft" < DATEADD(SECOND, '604800', "t20"."t")
        ) AS "t22"
        GROUP BY
          1,
          2
      ) AS "t26"
        ON "t13"."k" = "t26"."k" AND "t13"."u" = "t26"."u"
      LEFT OUTER JOIN (
        SELECT
          "t23"."k",
          "t23"."u",
          CAST(COUNT(
            IFF(
              (
                "t23"."ft" >= "t23"."t"
              )
              AND (
                "t23"."ft" < DATEADD(SECOND, '604800', "t23"."t")
              ),
              "t23"."u",
              NULL
            )
          ) AS DOUBLE) AS "d"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t4"."u",
              "t4"."ft",
              "t19"."k",
              "t19"."t"
            FROM (
              SELECT
                "t1"."user_id" AS "u",
                CAST(CONVERT_TIMEZONE('UTC', "t1"."ts") AS TIMESTAMP) AS "ft"
              FROM "orders" AS "t1"
            ) AS "t4"
            INNER JOIN (
              SELECT
                "t15"."k",
                "t15"."u",
                "t15"."t"
              FROM "t11" AS "t15"
            ) AS "t19"
              ON "t4"."u" = "t19"."u"
          ) AS "t21"
          WHERE
            "t21"."ft" >= "t21"."t" AND "t21"."ft" < DATEADD(SECOND, '604800', "t21"."t")
        ) AS "t23"
        GROUP BY
          1,
          2
      ) AS "t27"
        ON "t13"."k" = "t27"."k" AND "t13"."u" = "t27"."u"
    ) AS "t28"
  ) AS "t29"
) AS "t30"
GROUP BY
  1,
  2,
  3,
  4,
  5
