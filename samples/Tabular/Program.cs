// Synthetic rows of a table of numbers and categories, and a report on how good they are.
using System.CommandLine;
using Diffusion.Training;
using Tabular;

var csv = new Option<string?>("--csv") { Description = "A table of your own: comma-separated, with a header. Made-up customers if not given." };
var skip = new Option<string[]>("--skip") { Description = "Columns to leave out: identifiers, free text.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
var target = new Option<string?>("--target") { Description = "A column of categories that a classifier learns to tell from the others, for the report; the last one of categories if not given." };
var rows = new Option<int>("--rows") { Description = "Rows of the made-up table.", DefaultValueFactory = _ => 6000 };
var steps = new Option<long>("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => 6000 };
var seed = new Option<int>("--seed") { Description = "Decides which rows are held out, the training and what is drawn.", DefaultValueFactory = _ => 1 };
var output = new Option<string>("--out") { Description = "Where to write.", DefaultValueFactory = _ => "out/tabular" };

var root = new RootCommand("""
    Learns a table of numbers and categories, draws as many synthetic rows, and compares them with the source: a minute on two cores.

    Examples:
      dotnet run -c Release --project samples/Tabular
      dotnet run -c Release --project samples/Tabular -- --csv customers.csv --skip id --target churn
    """) { csv, skip, target, rows, steps, seed, output };

root.SetAction((parsed, cancellation) =>
{
    try
    {
        var folder = Directory.CreateDirectory(parsed.GetValue(output)!).FullName;
        ArgumentOutOfRangeException.ThrowIfLessThan(parsed.GetValue(rows), 20, "--rows");
        var source = parsed.GetValue(csv) is { } file ? Table.Read(file, parsed.GetValue(skip)!) : People.Draw(parsed.GetValue(rows), seed: 0);
        if (parsed.GetValue(csv) is null) source.Write(Path.Combine(folder, "source.csv"));
        var told = parsed.GetValue(target) is { } name
            ? source.Columns.FirstOrDefault(column => column.Name == name) as CategoryColumn ?? throw new ArgumentException($"--target: there is no column of categories named '{name}'.")
            : source.Columns.OfType<CategoryColumn>().LastOrDefault(column => column.Categories.Length > 1);
        var (train, unseen) = source.Split(0.8, parsed.GetValue(seed));
        Console.WriteLine($"{source.Count:N0} rows, {source.Columns.OfType<NumberColumn>().Count()} columns of numbers and {source.Columns.OfType<CategoryColumn>().Count()} of categories; {unseen.Count:N0} rows are held out.");

        using var model = new TableModel(train, parsed.GetValue(seed));
        model.Train(train, parsed.GetValue(steps), parsed.GetValue(seed), new Lines(), cancellation);
        var synthetic = model.Draw(train.Count, parsed.GetValue(seed), cancellation);
        synthetic.Write(Path.Combine(folder, "synthetic.csv"));
        var report = new QualityReport(train, unseen, synthetic).Write(source.Columns.Count > 1 ? told : null);
        File.WriteAllText(Path.Combine(folder, "report.md"), report);
        Console.WriteLine(report);
        Console.WriteLine($"Synthetic rows: {Path.Combine(folder, "synthetic.csv")}");
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Tabular: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

/// <summary>The loss, every few seconds.</summary>
internal sealed class Lines : IProgress<TrainingProgress>
{
    private DateTime _last;

    public void Report(TrainingProgress value)
    {
        if (DateTime.UtcNow - _last < TimeSpan.FromSeconds(10)) return;
        _last = DateTime.UtcNow;
        Console.WriteLine($"step {value.Step:N0}  loss {value.Loss:f4}");
    }
}
