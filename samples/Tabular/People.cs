namespace Tabular;

/// <summary>The default table: customers that nobody is, whose columns depend on each other in known ways.</summary>
internal static class People
{
    private static readonly string[] Education = ["basic", "secondary", "bachelor", "master"], Cities = ["Arden", "Belmont", "Carrow", "Dunmore", "Eastwick"];

    public static Table Draw(int count, int seed)
    {
        var random = new Random(seed);
        string[] names = ["age", "education", "city", "employment", "income", "owns_home", "tenure_months", "calls", "churn"];
        var rows = new string[count][];
        for (var i = 0; i < count; i++) rows[i] = Person(random);
        return new Table([.. names.Select((name, k) => Column.Of(name, Array.ConvertAll(rows, row => row[k])))]);
    }

    private static string[] Person(Random random)
    {
        var age = random.NextDouble() < 0.6 ? 18 + (int)(22 * (random.NextDouble() + random.NextDouble())) : Math.Clamp((int)Normal(random, 55, 14), 18, 95);
        var city = Choose(random, 34, 26, 18, 13, 9);
        // The young have studied more, and more so in the first two cities.
        var education = Choose(random, age > 60 ? 30 : 12, 40, age < 23 ? 4 : 30 + (city < 2 ? 10 : 0), age < 25 ? 1 : 14 + (city < 2 ? 8 : 0));
        var employment = age < 26 && random.NextDouble() < 0.5 ? "student"
            : age > 64 && random.NextDouble() < 0.92 ? "retired"
            : random.NextDouble() < 0.06 + (education == 0 ? 0.08 : 0) ? "unemployed"
            : random.NextDouble() < 0.12 ? "self-employed" : "employed";
        var pay = 10.1 + 0.2 * education + 0.012 * Math.Min(age - 18, 35) + (city == 0 ? 0.2 : city == 4 ? -0.15 : 0)
            + employment switch { "student" => -1.0, "retired" => -0.5, "unemployed" => -0.8, "self-employed" => 0.05, _ => 0 };
        var income = Math.Exp(Normal(random, pay, employment == "self-employed" ? 0.55 : 0.3));
        var owns = Chance(random, -3.2 + 0.055 * (age - 25) + 0.9 * Math.Log(income / 25_000) - (city == 0 ? 0.8 : 0));
        var tenure = Math.Min((int)(-Math.Log(1 - random.NextDouble()) * (owns ? 60 : 32)), (age - 17) * 12);
        var unhappy = Normal(random, 0, 1) + (city == 3 ? 0.7 : 0);
        var calls = Poisson(random, Math.Exp(0.1 + 0.6 * unhappy));
        var churns = Chance(random, -0.2 - 0.03 * tenure + 0.38 * calls + (owns ? -0.5 : 0.3) + (employment == "student" ? 0.7 : 0));
        // Who earns much or is self-employed says so less often.
        var silent = random.NextDouble() < (employment == "self-employed" ? 0.25 : income > 60_000 ? 0.14 : 0.05);
        return [$"{age}", Education[education], Cities[city], employment, silent ? "" : $"{Math.Round(income / 10) * 10}", owns ? "yes" : "no", $"{tenure}", $"{calls}", churns ? "yes" : "no"];
    }

    private static double Normal(Random random, double mean, double deviation) =>
        mean + deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static bool Chance(Random random, double logit) => random.NextDouble() < 1 / (1 + Math.Exp(-logit));

    private static int Choose(Random random, params double[] weights)
    {
        var left = random.NextDouble() * weights.Sum();
        for (var k = 0; k < weights.Length - 1; k++)
            if ((left -= weights[k]) < 0) return k;
        return weights.Length - 1;
    }

    private static int Poisson(Random random, double mean)
    {
        var (count, product) = (0, random.NextDouble());
        for (var limit = Math.Exp(-mean); product > limit; count++) product *= random.NextDouble();
        return count;
    }
}
