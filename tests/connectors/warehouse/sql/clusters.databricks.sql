SELECT
  `t16`.`bad`,
  `t16`.`v`,
  `t16`.`w`,
  COUNT(*) AS `units`,
  SUM(`t16`.`rows`) AS `rows`,
  SUM(`t16`.`low_rows`) AS `low_rows`,
  AVG(`t16`.`y`) AS `mean`,
  VAR_POP(`t16`.`y`) AS `variance`,
  MIN(`t16`.`y`) AS `least`,
  MAX(`t16`.`y`) AS `most`,
  BOOL_AND((
    `t16`.`y` = 0
  ) OR (
    `t16`.`y` = 1
  )) AS `zero_one`,
  SUM(`t16`.`y` * `t16`.`y` * `t16`.`y`) AS `cubes`,
  SUM(`t16`.`lost_y`) AS `lost_y`,
  SUM(`t16`.`members`) AS `members`,
  MAX(`t16`.`t`) AS `last`,
  AVG(`t16`.`d`) AS `d_mean`,
  VAR_POP(`t16`.`d`) AS `d_variance`,
  COVAR_POP(`t16`.`y`, `t16`.`d`) AS `yd`
FROM (
  SELECT
    `t15`.`k`,
    `t15`.`bad`,
    `t15`.`c`,
    `t15`.`rows`,
    `t15`.`low_rows`,
    `t15`.`members`,
    `t15`.`v`,
    IF(`t15`.`bad` < 0, `t15`.`w`, NULL) AS `w`,
    IF(`t15`.`bad` = 0, `t15`.`y`, NULL) AS `y`,
    `t15`.`lost_y`,
    IF(`t15`.`bad` = 0, `t15`.`d`, NULL) AS `d`,
    `t15`.`t`
  FROM (
    SELECT
      `t14`.`k`,
      IF((
        `t14`.`bad` = 0
      ) AND (
        `t14`.`v` <> `t14`.`w`
      ), -1, `t14`.`bad`) AS `bad`,
      `t14`.`c`,
      `t14`.`rows`,
      `t14`.`low_rows`,
      `t14`.`members`,
      `t14`.`v`,
      `t14`.`w`,
      `t14`.`y`,
      `t14`.`lost_y`,
      `t14`.`d`,
      `t14`.`t`
    FROM (
      SELECT
        `t13`.`k`,
        `t13`.`bad`,
        `t13`.`c`,
        `t13`.`rows`,
        `t13`.`low_rows`,
        `t13`.`members`,
        `t13`.`v`,
        `t13`.`w`,
        `t13`.`y`,
        `t13`.`lost_y`,
        `t13`.`d`,
        `t13`.`t`
      FROM (
        SELECT
          `t12`.`k`,
          `t12`.`bad`,
          `t12`.`c`,
          `t12`.`fv`,
          SUM(`t12`.`rows`) AS `rows`,
          SUM(`t12`.`low_rows`) AS `low_rows`,
          COUNT(*) AS `members`,
          MIN(`t12`.`v`) AS `v`,
          MAX(`t12`.`w`) AS `w`,
          SUM(`t12`.`y`) AS `y`,
          SUM(`t12`.`lost_y`) AS `lost_y`,
          CAST(COUNT(*) AS DOUBLE) AS `d`,
          MAX(`t12`.`t`) AS `t`
        FROM (
          SELECT
            `t11`.`k`,
            `t11`.`u`,
            `t11`.`rows`,
            `t11`.`v`,
            `t11`.`w`,
            `t11`.`low_rows`,
            `t11`.`t`,
            IF(`t11`.`bad` = 0, `t11`.`c`, NULL) AS `c`,
            `t11`.`c_high`,
            `t11`.`y`,
            `t11`.`lost_y`,
            `t11`.`bad`,
            IF(`t11`.`bad` = 0, NULL, `t11`.`v`) AS `fv`
          FROM (
            SELECT
              `t10`.`k`,
              `t10`.`u`,
              `t10`.`rows`,
              `t10`.`v`,
              `t10`.`w`,
              `t10`.`low_rows`,
              `t10`.`t`,
              `t10`.`c`,
              `t10`.`c_high`,
              `t10`.`y`,
              `t10`.`lost_y`,
              CASE
                WHEN (
                  CAST(0 AS SMALLINT) = 0
                ) AND (
                  `t10`.`c` <> `t10`.`c_high`
                )
                THEN -3
                ELSE CAST(0 AS SMALLINT)
              END AS `bad`
            FROM (
              SELECT
                `t9`.`k`,
                `t9`.`u`,
                MIN(`t9`.`rows`) AS `rows`,
                MIN(`t9`.`v`) AS `v`,
                MIN(`t9`.`w`) AS `w`,
                MIN(`t9`.`low_rows`) AS `low_rows`,
                MIN(`t9`.`t`) AS `t`,
                MIN(`t9`.`c`) AS `c`,
                MIN(`t9`.`c_high`) AS `c_high`,
                COALESCE(
                  MAX(
                    IF(
                      (
                        `t9`.`ft` >= `t9`.`t`
                      ) AND NOT (
                        `t9`.`no_y`
                      ),
                      IF(`t9`.`fy` <> 0, 1.0, 0.0),
                      NULL
                    )
                  ),
                  0.0
                ) AS `y`,
                COUNT(IF((
                  `t9`.`ft` >= `t9`.`t`
                ) AND `t9`.`no_y`, `t9`.`fu`, NULL)) AS `lost_y`
              FROM (
                SELECT
                  `t8`.`k`,
                  `t8`.`u`,
                  `t8`.`rows`,
                  `t8`.`v`,
                  `t8`.`w`,
                  `t8`.`low_rows`,
                  `t8`.`t`,
                  `t8`.`c`,
                  `t8`.`c_high`,
                  `t8`.`bad`,
                  `t3`.`fu`,
                  `t3`.`ft`,
                  `t3`.`fy`,
                  `t3`.`no_y`
                FROM (
                  SELECT
                    `t6`.`k`,
                    `t6`.`u`,
                    `t6`.`rows`,
                    `t6`.`v`,
                    `t6`.`w`,
                    `t6`.`low_rows`,
                    `t6`.`t`,
                    `t6`.`c`,
                    `t6`.`c_high`,
                    CAST(0 AS SMALLINT) AS `bad`
                  FROM (
                    SELECT
                      `t5`.`k`,
                      `t5`.`u`,
                      COUNT(*) AS `rows`,
                      MIN(`t5`.`v`) AS `v`,
                      MAX(`t5`.`v`) AS `w`,
                      SUM(IF((
                        `t5`.`v` % 100000
                      ) = 0, 1, 0)) AS `low_rows`,
                      MIN(`t5`.`t`) AS `t`,
                      MIN(`t5`.`c`) AS `c`,
                      MAX(`t5`.`c`) AS `c_high`
                    FROM (
                      SELECT
                        `t4`.`u`,
                        `t4`.`v`,
                        `t4`.`t`,
                        `t4`.`c`,
                        `t4`.`bad`,
                        CAST(CAST(FLOOR((
                          `t4`.`v`
                        ) / (
                          100000
                        )) AS BIGINT) AS INT) AS `k`
                      FROM (
                        SELECT
                          `t1`.`user_id` AS `u`,
                          CASE
                            WHEN NULLIF(`t1`.`variation`, '') = 'candidate'
                            THEN 0
                            WHEN NULLIF(`t1`.`variation`, '') = 'control'
                            THEN 1
                            WHEN NULLIF(`t1`.`variation`, '') = 'B'
                            THEN 100000
                            WHEN NULLIF(`t1`.`variation`, '') = 'x'
                            THEN 200000
                            ELSE CAST(NULL AS INT)
                          END AS `v`,
                          CAST(`t1`.`ts` AS TIMESTAMP) AS `t`,
                          NULLIF(`t1`.`team`, '') AS `c`,
                          CAST(CASE
                            WHEN `t1`.`user_id` IS NULL
                            THEN 1
                            WHEN NULLIF(`t1`.`variation`, '') IS NULL
                            THEN 2
                            WHEN CAST(`t1`.`ts` AS TIMESTAMP) IS NULL
                            THEN 3
                            WHEN (
                              CAST(`t1`.`ts` AS TIMESTAMP) < CAST('1970-01-01T00:00:00' AS TIMESTAMP)
                            )
                            OR (
                              CAST(`t1`.`ts` AS TIMESTAMP) >= CAST('2200-01-01T00:00:00' AS TIMESTAMP)
                            )
                            THEN 4
                            WHEN NULLIF(`t1`.`team`, '') IS NULL
                            THEN 5
                            ELSE 0
                          END AS SMALLINT) AS `bad`
                        FROM `exposures` AS `t1`
                      ) AS `t4`
                      WHERE
                        `t4`.`bad` = 0
                    ) AS `t5`
                    GROUP BY
                      1,
                      2
                  ) AS `t6`
                ) AS `t8`
                LEFT OUTER JOIN (
                  SELECT
                    `t0`.`user_id` AS `fu`,
                    CAST(`t0`.`ts` AS TIMESTAMP) AS `ft`,
                    CAST(`t0`.`qty` AS DOUBLE) AS `fy`,
                    `t0`.`qty` IS NULL AS `no_y`
                  FROM `orders` AS `t0`
                  WHERE
                    (
                      `t0`.`event` = 'paid'
                    ) OR (
                      `t0`.`event` = 'renewed'
                    )
                ) AS `t3`
                  ON `t8`.`u` = `t3`.`fu` AND `t3`.`ft` >= `t8`.`t`
              ) AS `t9`
              GROUP BY
                1,
                2
            ) AS `t10`
          ) AS `t11`
        ) AS `t12`
        GROUP BY
          1,
          2,
          3,
          4
      ) AS `t13`
    ) AS `t14`
  ) AS `t15`
) AS `t16`
GROUP BY
  1,
  2,
  3
