// Everything that can be done with one trained model and no further training of it: fills in a hole, makes small images larger, turns one
// digit into another, walks between two, and is steered to a class by a classifier or without one. Writes a picture of each under --out and
// prints a table. With a model of samples/Digits (--model out/digits/model) it takes about five minutes on two cores; without it trains one first.
using System.CommandLine;
using Edit;
using static TorchSharp.torch;

var folder = new Argument<string>("data") { Description = "The folder of the 10,000 MNIST test digits (t10k-*.gz); drawn shapes where there is none.", DefaultValueFactory = _ => "../shared/data/mnist" };
var model = new Option<string?>("--model") { Description = "A model folder of samples/Digits; trained anew if left out." };
var minutes = new Option<double>("--minutes") { Description = "Minutes of training where no model is given.", DefaultValueFactory = _ => 4 };
var classifierMinutes = new Option<double>("--classifier-minutes") { Description = "Minutes of training of the classifier of noisy images.", DefaultValueFactory = _ => 2 };
var epochs = new Option<int>("--judge-epochs") { Description = "Passes over the data that the judge is trained for.", DefaultValueFactory = _ => 8 };
var samples = new Option<int>("--samples") { Description = "Samples a scale of guidance, a multiple of the number of classes.", DefaultValueFactory = _ => 100 };
var steps = new Option<int>("--steps") { Description = "Steps of the samplers; guidance is measured with half as many.", DefaultValueFactory = _ => 50 };
var output = new Option<string>("--out") { Description = "Where the pictures go.", DefaultValueFactory = _ => "out/edit" };
var root = new RootCommand("Edits images with a trained model.") { folder, model, minutes, classifierMinutes, epochs, samples, steps, output };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        using var scope = NewDisposeScope();
        using var setting = Setting.Prepare(parsed.GetValue(folder)!, parsed.GetValue(model), parsed.GetValue(minutes), parsed.GetValue(classifierMinutes), parsed.GetValue(epochs), parsed.GetValue(steps), cancellation);
        Directory.CreateDirectory(parsed.GetValue(output)!);
        string Picture(string name) => Path.Combine(parsed.GetValue(output)!, name);
        Restoration.Inpaint(setting, Picture("inpainting.png"), cancellation);
        Restoration.Enlarge(setting, Picture("super-resolution.png"), cancellation);
        Changing.ImageToImage(setting, Picture("image-to-image.png"), cancellation);
        Changing.Interpolate(setting, Picture("interpolation.png"));
        Guiding.Compare(setting, parsed.GetValue(samples), Picture("guidance.png"), cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Edit: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();
