// Runs the SQL statements on standard input, one a line, and prints each row as JSON, then "done", or "failed" and
// why. The catalog r is a REST server, f a folder with Hadoop's layout.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.spark.sql.SparkSession;

class Spark {
    private static final String[][] SETTINGS = {
        {"spark.ui.enabled", "false"},
        {"spark.driver.host", "127.0.0.1"},
        {"spark.driver.bindAddress", "127.0.0.1"},
        {"spark.sql.shuffle.partitions", "2"},
        {"spark.sql.session.timeZone", "UTC"},
        {"spark.sql.catalogImplementation", "in-memory"},
        {"spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"},
    };

    private static void catalog(SparkSession.Builder b, String name, String type, String key, String place) {
        String prefix = "spark.sql.catalog." + name;
        b.config(prefix, "org.apache.iceberg.spark.SparkCatalog");
        b.config(prefix + ".type", type);
        b.config(prefix + "." + key, place);
        b.config(prefix + ".cache-enabled", "false");
    }

    private static void run(SparkSession spark, String statement) {
        try {
            for (String row : spark.sql(statement).toJSON().collectAsList())
                System.out.println(row);
            System.out.println("done");
        } catch (Exception e) {
            System.out.println("failed " + e.toString().replace('\n', ' '));
        }
        System.out.flush();
    }

    public static void main(String[] args) throws Exception {
        SparkSession.Builder b = SparkSession.builder().master("local[2]");
        for (String[] s : SETTINGS)
            b.config(s[0], s[1]);
        b.config("spark.sql.warehouse.dir", args[1] + "/spark-warehouse");
        catalog(b, "r", "rest", "uri", args[0]);
        catalog(b, "f", "hadoop", "warehouse", args[1]);
        SparkSession spark = b.getOrCreate();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; )
            run(spark, line);
        spark.stop();
    }
}
